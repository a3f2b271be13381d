#include "shim/log_line.h"

namespace berth::shim {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// The length of the well-formed UTF-8 sequence at the start of `text`, or 0.
std::size_t sequence_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto is_tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
    const unsigned char lead = at(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return is_tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!is_tail(1) || !is_tail(2)) return 0;
        if ((lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F)) return 0;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
        if ((lead == 0xF0 && at(1) < 0x90) || (lead == 0xF4 && at(1) > 0x8F)) return 0;
        return 4;
    }
    return 0;
}

void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xC0 | code >> 6));
        out.push_back(static_cast<char>(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xE0 | code >> 12));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
        out.push_back(static_cast<char>(0x80 | (code & 63)));
    } else {
        out.push_back(static_cast<char>(0xF0 | code >> 18));
        out.push_back(static_cast<char>(0x80 | (code >> 12 & 63)));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
        out.push_back(static_cast<char>(0x80 | (code & 63)));
    }
}

std::optional<std::uint32_t> read_hex4(std::string_view& text) {
    if (text.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        const char c = text[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return std::nullopt;
        value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    text.remove_prefix(4);
    return value;
}

// A code point after "\u"; lone surrogates become U+FFFD.
bool read_unicode_escape(std::string_view& text, std::string& out) {
    const auto first = read_hex4(text);
    if (!first) return false;
    std::uint32_t code = *first;
    if (code >= 0xD800 && code < 0xDC00 && text.starts_with("\\u")) {
        std::string_view ahead = text.substr(2);
        const auto second = read_hex4(ahead);
        if (second && *second >= 0xDC00 && *second < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (*second - 0xDC00);
            text = ahead;
        }
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return true;
}

// A JSON string whose opening quote is next.
bool read_string(std::string_view& text, std::string& out) {
    if (!text.starts_with('"')) return false;
    text.remove_prefix(1);
    while (!text.empty()) {
        const std::size_t plain = text.find_first_of("\"\\");
        if (plain == std::string_view::npos) return false;
        out.append(text.substr(0, plain));
        const char special = text[plain];
        text.remove_prefix(plain + 1);
        if (special == '"') return true;
        if (text.empty()) return false;
        const char escape = text.front();
        text.remove_prefix(1);
        switch (escape) {
            case 'n': out.push_back('\n'); break;
            case 'r': out.push_back('\r'); break;
            case 't': out.push_back('\t'); break;
            case 'b': out.push_back('\b'); break;
            case 'f': out.push_back('\f'); break;
            case 'u':
                if (!read_unicode_escape(text, out)) return false;
                break;
            default: out.push_back(escape);
        }
    }
    return false;
}

// Any value that is not needed: a string, or a flat object of strings ("attrs").
bool skip_value(std::string_view& text) {
    std::string ignored;
    if (text.starts_with('"')) return read_string(text, ignored);
    if (!text.starts_with('{')) return false;
    text.remove_prefix(1);
    while (!text.empty() && text.front() != '}') {
        if (text.front() == ',') text.remove_prefix(1);
        if (!read_string(text, ignored) || !text.starts_with(':')) return false;
        text.remove_prefix(1);
        if (!read_string(text, ignored)) return false;
    }
    if (text.empty()) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        std::size_t length = 1;
        if (byte == '"' || byte == '\\') {
            out.push_back('\\');
            out.push_back(static_cast<char>(byte));
        } else if (byte == '\n') {
            out.append("\\n");
        } else if (byte == '\r') {
            out.append("\\r");
        } else if (byte == '\t') {
            out.append("\\t");
        } else if (byte < 0x20) {
            out.append("\\u00");
            out.push_back(hex_digits[byte >> 4]);
            out.push_back(hex_digits[byte & 15]);
        } else if (byte < 0x80) {
            out.push_back(static_cast<char>(byte));
        } else if (length = sequence_length(text); length != 0) {
            out.append(text.substr(0, length));
        } else {
            length = 1;
            out.append("\\ufffd");
        }
        text.remove_prefix(length);
    }
}

void append_log_line(std::string& out, int stream, std::string_view text, std::string_view time) {
    out.append("{\"log\":\"");
    append_json_escaped(out, text);
    out.append(stream == 2 ? "\",\"stream\":\"stderr\",\"time\":\""
                           : "\",\"stream\":\"stdout\",\"time\":\"");
    out.append(time);
    out.append("\"}\n");
}

std::optional<LogLine> parse_log_line(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (!line.starts_with('{')) return std::nullopt;
    line.remove_prefix(1);
    LogLine entry;
    std::string time;
    while (!line.starts_with('}')) {
        std::string key, value;
        if (line.starts_with(',')) line.remove_prefix(1);
        if (!read_string(line, key) || !line.starts_with(':')) return std::nullopt;
        line.remove_prefix(1);
        if (key == "log") {
            if (!read_string(line, entry.text)) return std::nullopt;
        } else if (key == "stream") {
            if (!read_string(line, value)) return std::nullopt;
            entry.stream = value == "stderr" ? 2 : 1;
        } else if (key == "time") {
            if (!read_string(line, time)) return std::nullopt;
        } else if (!skip_value(line)) {
            return std::nullopt;
        }
    }
    const std::optional<Timestamp> parsed = parse_rfc3339(time);
    if (!parsed) return std::nullopt;
    entry.time = *parsed;
    return entry;
}

}  // namespace berth::shim
