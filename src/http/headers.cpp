#include "http/headers.h"

#include <algorithm>

#include "base/text.h"

namespace berth::http {

namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view Headers::get(std::string_view name) const {
    for (const auto& [key, value] : fields_)
        if (equals_ignoring_case(key, name)) return value;
    return {};
}

bool Headers::has(std::string_view name) const {
    return std::ranges::any_of(
        fields_, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
    std::vector<std::string_view> out;
    for (const auto& [key, value] : fields_)
        if (equals_ignoring_case(key, name)) out.push_back(value);
    return out;
}

void Headers::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
    // A line break in a value would let whoever chose it write headers of his own.
    std::string clean(value);
    std::ranges::replace_if(
        clean, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    fields_.emplace_back(name, std::move(clean));
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_,
                  [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    for (const auto value : all(name))
        for (const auto& part : split(value, ','))
            if (equals_ignoring_case(trim(part), token)) return true;
    return false;
}

}  // namespace berth::http
