#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "codec/go_template.h"
#include "codec/go_template_functions_internal.h"

// Go's package fmt, as far as templates use it.
namespace berth::codec {

namespace {

constexpr int max_width = 4096;

std::string format_real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 64> text{};
    // The shortest text that reads back as the same number; exponents only from 1e21 on, as %v
    // does.
    for (int digits = 1; digits <= 17; ++digits) {
        std::snprintf(text.data(), text.size(), "%.*g", digits, value);
        if (std::strtod(text.data(), nullptr) == value) break;
    }
    const double magnitude = std::fabs(value);
    if (std::string_view(text.data()).find('e') != std::string_view::npos && magnitude < 1e21 &&
        magnitude >= 1e-4) {
        std::snprintf(text.data(), text.size(), "%.0f", value);
    }
    return text.data();
}

std::string quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
                    std::array<char, 8> escaped{};
                    std::snprintf(escaped.data(), escaped.size(), "\\x%02x",
                                  static_cast<unsigned char>(c));
                    out += escaped.data();
                } else {
                    out += c;
                }
        }
    }
    return out + '"';
}

std::string_view type_name(const Json& value) {
    if (value.is_string()) return "string";
    if (value.is_boolean()) return "bool";
    if (value.is_number_integer()) return "int64";
    if (value.is_number()) return "float64";
    if (value.is_array()) return "[]interface {}";
    if (value.is_object()) return "map[string]interface {}";
    return "<nil>";
}

struct Verb {
    bool minus = false, plus = false, zero = false, space = false, sharp = false;
    int width = 0, precision = -1;
    char letter = 'v';
};

std::string bad_verb(const Verb& verb, const Json& value) {
    if (value.is_null()) return concat("%!", verb.letter, "(<nil>)");
    return concat("%!", verb.letter, "(", type_name(value), "=", format_go_value(value), ")");
}

std::string format_integer(const Verb& verb, std::int64_t value) {
    std::array<char, 80> text{};
    const bool negative = value < 0;
    const auto magnitude = negative ? 0 - static_cast<unsigned long long>(value)
                                    : static_cast<unsigned long long>(value);
    switch (verb.letter) {
        case 'x':
            std::snprintf(text.data(), text.size(), verb.sharp ? "0x%llx" : "%llx", magnitude);
            break;
        case 'X':
            std::snprintf(text.data(), text.size(), verb.sharp ? "0X%llX" : "%llX", magnitude);
            break;
        case 'o':
            std::snprintf(text.data(), text.size(), verb.sharp ? "0%llo" : "%llo", magnitude);
            break;
        case 'b': {
            std::string bits;
            for (auto rest = magnitude; rest != 0 || bits.empty(); rest >>= 1)
                bits.insert(0, 1, (rest & 1) != 0 ? '1' : '0');
            std::copy_n(bits.c_str(), bits.size() + 1, text.data());
            break;
        }
        default: std::snprintf(text.data(), text.size(), "%llu", magnitude);
    }
    const std::string sign = negative ? "-" : verb.plus ? "+" : verb.space ? " " : "";
    std::string digits = text.data();
    while (static_cast<int>(digits.size()) < std::min(verb.precision, max_width))
        digits.insert(0, 1, '0');
    if (verb.zero && !verb.minus && verb.precision < 0) {
        while (static_cast<int>(digits.size() + sign.size()) < verb.width) digits.insert(0, 1, '0');
    }
    return sign + digits;
}

std::string format_float(const Verb& verb, double value) {
    std::string pattern = "%";
    if (verb.plus) pattern += '+';
    pattern += ".*";
    pattern += verb.letter == 'F' ? 'f' : verb.letter;
    std::array<char, 512> text{};
    std::snprintf(text.data(), text.size(), pattern.c_str(),
                  verb.precision < 0 ? 6 : std::min(verb.precision, 100), value);
    return text.data();
}

std::size_t count_characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::string cut_characters(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    while (end < text.size() && (count > 0 || (text[end] & 0xC0) == 0x80)) {
        if ((text[end] & 0xC0) != 0x80) --count;
        ++end;
        if (count == 0 && (end == text.size() || (text[end] & 0xC0) != 0x80)) break;
    }
    return std::string(text.substr(0, end));
}

std::string format_text(const Verb& verb, const std::string& text) {
    const std::string kept = verb.precision >= 0 ? cut_characters(text, verb.precision) : text;
    if (verb.letter == 'q') return quote(kept);
    if (verb.letter == 'x' || verb.letter == 'X') {
        const std::string hex = to_hex(as_bytes(kept));
        return verb.letter == 'x' ? hex : to_upper(hex);
    }
    return kept;
}

std::string format_verb(const Verb& verb, const Json& value) {
    const auto is_one_of = [&](std::string_view letters) {
        return letters.find(verb.letter) != std::string_view::npos;
    };
    if (verb.letter == 'T') return std::string(type_name(value));
    if (verb.letter == 'v') {
        if (value.is_string())
            return format_text(verb.sharp ? Verb{.letter = 'q'} : verb, value.get<std::string>());
        if (value.is_number_integer()) return format_integer(verb, value.get<std::int64_t>());
        return format_go_value(value);
    }
    if (value.is_string())
        return is_one_of("sqxX") ? format_text(verb, value.get<std::string>())
                                 : bad_verb(verb, value);
    if (value.is_boolean())
        return verb.letter == 't' ? format_go_value(value) : bad_verb(verb, value);
    if (value.is_number_integer()) {
        if (is_one_of("dxXob")) return format_integer(verb, value.get<std::int64_t>());
        if (verb.letter == 'c')
            return std::string(1, static_cast<char>(value.get<std::int64_t>() & 0x7F));
        return bad_verb(verb, value);
    }
    if (value.is_number())
        return is_one_of("feEgGF") ? format_float(verb, value.get<double>())
                                   : bad_verb(verb, value);
    if (value.is_array()) {
        std::string out = "[";
        for (const auto& element : value) {
            if (out.size() > 1) out += ' ';
            out += format_verb(verb, element);
        }
        return out + "]";
    }
    return verb.letter == 's' ? format_go_value(value) : bad_verb(verb, value);
}

std::string aligned(const Verb& verb, std::string text) {
    const auto size = count_characters(text);
    if (static_cast<int>(size) >= verb.width) return text;
    const std::string padding(verb.width - size, ' ');
    return verb.minus ? text + padding : padding + text;
}

// Reads what stands between '%' and the verb's letter.
Verb read_verb(std::string_view format, std::size_t& at, std::span<const Json> arguments,
               std::size_t& next) {
    Verb verb;
    for (; at < format.size(); ++at) {
        if (format[at] == '-')
            verb.minus = true;
        else if (format[at] == '+')
            verb.plus = true;
        else if (format[at] == '0')
            verb.zero = true;
        else if (format[at] == ' ')
            verb.space = true;
        else if (format[at] == '#')
            verb.sharp = true;
        else
            break;
    }
    auto number = [&](int& out) {
        if (at < format.size() && format[at] == '*') {
            ++at;
            if (next < arguments.size() && arguments[next].is_number_integer()) {
                out = static_cast<int>(
                    std::clamp<std::int64_t>(arguments[next].get<std::int64_t>(), 0, max_width));
            }
            ++next;
            return;
        }
        for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
            out = std::min(out * 10 + (format[at] - '0'), max_width);
        }
    };
    number(verb.width);
    if (at < format.size() && format[at] == '.') {
        ++at;
        verb.precision = 0;
        number(verb.precision);
    }
    if (at < format.size()) verb.letter = format[at];
    return verb;
}

}  // namespace

std::string format_go_value(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
    if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
    if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
    if (value.is_number()) return format_real(value.get<double>());
    if (value.is_array()) {
        std::string out = "[";
        for (const auto& element : value) {
            if (out.size() > 1) out += ' ';
            out += format_go_value(element);
        }
        return out + "]";
    }
    if (value.is_object()) {
        std::vector<std::string> entries;
        for (const auto& [key, member] : value.items())
            entries.push_back(key + ":" + format_go_value(member));
        std::sort(entries.begin(), entries.end());
        return concat("map[", join(entries, " "), "]");
    }
    return "<nil>";
}

std::string go_sprint(std::span<const Json> arguments) {
    std::string out;
    bool was_text = true;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const bool is_text = arguments[i].is_string();
        if (i > 0 && !is_text && !was_text) out += ' ';
        out += format_go_value(arguments[i]);
        was_text = is_text;
    }
    return out;
}

std::string go_sprintf(std::string_view format, std::span<const Json> arguments) {
    std::string out;
    std::size_t next = 0;
    for (std::size_t at = 0; at < format.size(); ++at) {
        if (format[at] != '%') {
            out += format[at];
            continue;
        }
        ++at;
        const Verb verb = read_verb(format, at, arguments, next);
        if (at >= format.size()) {
            out += "%!(NOVERB)";
            break;
        }
        if (verb.letter == '%') {
            out += '%';
        } else if (next >= arguments.size()) {
            out += concat("%!", verb.letter, "(MISSING)");
        } else {
            out += aligned(verb, format_verb(verb, arguments[next++]));
        }
    }
    if (next < arguments.size()) {
        out += "%!(EXTRA ";
        for (auto i = next; i < arguments.size(); ++i) {
            if (i > next) out += ", ";
            out += concat(type_name(arguments[i]), "=", format_go_value(arguments[i]));
        }
        out += ')';
    }
    return out;
}

}  // namespace berth::codec
