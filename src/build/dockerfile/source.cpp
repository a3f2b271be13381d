#include "build/dockerfile/source.h"

#include <algorithm>

namespace berth::build::dockerfile {

Source::Source(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
    std::size_t start = 0;
    while (start < text_.size()) {
        std::size_t end = text_.find('\n', start);
        if (end == std::string::npos) end = text_.size();
        std::size_t length = end - start;
        if (length && text_[end - 1] == '\r') --length;
        lines_.emplace_back(start, length);
        start = end + 1;
    }
}

std::string_view Source::line(int number) const {
    if (number < 1 || static_cast<std::size_t>(number) > lines_.size()) return {};
    const auto& [offset, length] = lines_[static_cast<std::size_t>(number) - 1];
    return std::string_view(text_).substr(offset, length);
}

std::string Source::locate(const Place& place) const {
    return concat(name_, ":", place.line, ":", place.column);
}

std::string Source::excerpt(const Place& place) const {
    constexpr std::size_t longest = 160;
    std::string text(line(place.line).substr(0, longest));
    // A tab stays a tab below it, so that the caret stands where the eye expects it.
    std::string under;
    const std::size_t column = static_cast<std::size_t>(std::max(place.column, 1)) - 1;
    for (std::size_t i = 0; i < std::min(column, text.size()); ++i)
        under += text[i] == '\t' ? '\t' : ' ';
    under += '^';
    const std::size_t room = text.size() > column ? text.size() - column : 1;
    under.append(std::min(room, static_cast<std::size_t>(std::max(place.length, 1))) - 1, '~');
    const std::string number = std::to_string(place.line);
    const std::string margin(number.size() < 4 ? 4 - number.size() : 0, ' ');
    return concat(margin, number, " | ", text, "\n",
                  std::string(margin.size() + number.size(), ' '), " | ", under, "\n");
}

std::string Source::describe(const Place& place, std::string_view message) const {
    return concat(locate(place), ": ", message, "\n", excerpt(place));
}

Error Source::error(const Place& place, std::string_view message) const {
    std::string text = describe(place, message);
    text.pop_back();  // the line break
    return Error(ErrorCode::InvalidArgument, std::move(text));
}

}  // namespace berth::build::dockerfile
