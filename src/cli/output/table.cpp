#include "cli/output/table.h"

#include <algorithm>

#include "base/text.h"

namespace berth::cli {

std::size_t display_width(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

namespace {

// What images and processes say of themselves would otherwise be the terminal's to obey.
std::string without_control_characters(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += "\xEF\xBF\xBD";  // U+FFFD
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string align_columns(std::string_view text, std::size_t least) {
    constexpr std::size_t gap = 3;
    std::vector<std::vector<std::string>> rows;
    std::vector<std::size_t> widths;
    const bool ends_with_newline = text.ends_with('\n');
    if (ends_with_newline) text.remove_suffix(1);
    for (const auto& line : split(text, '\n')) {
        rows.push_back(split(line, '\t'));
        auto& cells = rows.back();
        for (std::string& cell : cells) cell = without_control_characters(cell);
        widths.resize(std::max(widths.size(), cells.size()), least);
        for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(cells[i]) + gap);
        }
    }
    std::string out;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const auto& cells = rows[r];
        for (std::size_t i = 0; i < cells.size(); ++i) {
            out += cells[i];
            if (i + 1 < cells.size()) out.append(widths[i] - display_width(cells[i]), ' ');
        }
        if (r + 1 < rows.size() || ends_with_newline) out += '\n';
    }
    return out;
}

}  // namespace berth::cli
