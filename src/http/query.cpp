#include "http/query.h"

#include <algorithm>

#include "base/text.h"

namespace berth::http {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string decode_percent(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
            hex_value(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i] == '+' && plus_is_space ? ' ' : text[i]);
        }
    }
    return out;
}

std::string encode_percent(std::string_view text, std::string_view keep) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
            out.push_back(c);
        } else {
            out.push_back('%');
            out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
            out.push_back(digits[static_cast<unsigned char>(c) & 15]);
        }
    }
    return out;
}

Query Query::parse(std::string_view text) {
    Query out;
    if (text.empty()) return out;
    for (const auto& part : split(text, '&')) {
        if (part.empty()) continue;
        const auto pair = split_once(part, '=');
        const auto name = pair ? pair->first : std::string_view(part);
        const auto value = pair ? pair->second : std::string_view();
        out.fields_.emplace_back(decode_percent(name, true), decode_percent(value, true));
    }
    return out;
}

bool Query::has(std::string_view name) const {
    return std::ranges::any_of(fields_, [&](const auto& field) { return field.first == name; });
}

std::string Query::get(std::string_view name) const {
    for (const auto& [key, value] : fields_)
        if (key == name) return value;
    return {};
}

std::vector<std::string> Query::all(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& [key, value] : fields_)
        if (key == name) out.push_back(value);
    return out;
}

bool Query::flag(std::string_view name, bool fallback) const {
    if (!has(name)) return fallback;
    const std::string value = to_lower(trim(get(name)));
    return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

std::optional<long long> Query::number(std::string_view name) const {
    const auto value = parse_int(get(name));
    return value ? std::optional<long long>(*value) : std::nullopt;
}

void Query::add(std::string_view name, std::string_view value) {
    fields_.emplace_back(std::string(name), std::string(value));
}

std::string Query::to_string() const {
    std::string out;
    for (const auto& [name, value] : fields_) {
        if (!out.empty()) out.push_back('&');
        out += encode_percent(name) + "=" + encode_percent(value);
    }
    return out;
}

}  // namespace berth::http
