#include "codec/toml.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/text.h"

namespace berth::codec {
namespace {

constexpr int max_array_depth = 8;

bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

class TomlParser {
public:
    explicit TomlParser(std::string_view text) : text_(text) {}

    Result<Json> parse() {
        Json document = Json::object();
        Json* table = &document;
        for (;;) {
            skip_lines();
            if (at_end()) return document;
            if (peek() == '[') {
                table = TRY(read_header(document));
            } else {
                TRY(read_pair(*table));
            }
            TRY(expect_line_end());
        }
    }

private:
    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool take(char c) {
        if (peek() != c || at_end()) return false;
        ++at_;
        return true;
    }
    void skip_blanks() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\r') ++at_;
    }
    // Blanks, comments and ends of lines.
    void skip_lines() {
        for (;;) {
            skip_blanks();
            if (peek() == '#')
                while (!at_end() && peek() != '\n') ++at_;
            if (!take('\n')) return;
        }
    }
    Error error(std::string_view what) const {
        const auto line =
            1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
        return fail(ErrorCode::InvalidArgument, "line ", line, ": ", what);
    }
    Result<> expect_line_end() {
        skip_blanks();
        if (at_end() || peek() == '\n' || peek() == '#') return {};
        return error("unexpected text behind the value");
    }

    Result<std::string> read_name() {
        skip_blanks();
        if (peek() == '"' || peek() == '\'') return read_string();
        std::string name;
        while (is_bare(peek())) name += text_[at_++];
        if (name.empty()) return error("a key is missing");
        return name;
    }

    Result<std::vector<std::string>> read_key() {
        std::vector<std::string> names;
        do {
            names.push_back(TRY(read_name()));
            skip_blanks();
        } while (take('.'));
        return names;
    }

    // The table of this key, made when it is not there.
    Result<Json*> descend(Json& from, std::span<const std::string> names) {
        Json* table = &from;
        for (const auto& name : names) {
            Json& child = (*table)[name];
            if (child.is_null()) child = Json::object();
            if (!child.is_object()) return error("the key is a value already");
            table = &child;
        }
        return table;
    }

    Result<Json*> read_header(Json& document) {
        take('[');
        if (peek() == '[') return error("arrays of tables are not understood");
        const auto names = TRY(read_key());
        if (!take(']')) return error("] is missing");
        return descend(document, names);
    }

    Result<> read_pair(Json& table) {
        auto names = TRY(read_key());
        if (!take('=')) return error("= is missing");
        const std::string last = std::move(names.back());
        names.pop_back();
        Json* target = TRY(descend(table, names));
        if (target->contains(last)) return error("the key is there twice");
        Json value = TRY(read_value(0));
        (*target)[last] = std::move(value);
        return {};
    }

    Result<Json> read_value(int depth) {
        skip_blanks();
        if (peek() == '"' || peek() == '\'') return Json(TRY(read_string()));
        if (peek() == '[') return read_array(depth);
        std::string word;
        while (is_bare(peek()) || peek() == '+') word += text_[at_++];
        if (word == "true") return Json(true);
        if (word == "false") return Json(false);
        std::erase(word, '_');
        const bool is_negative = word.starts_with('-');
        const auto number =
            parse_uint(std::string_view(word).substr(is_negative || word.starts_with('+') ? 1 : 0));
        if (!number || *number > INT64_MAX)
            return error("expected a string, an integer, true, false or an array");
        const auto value = static_cast<std::int64_t>(*number);
        return Json(is_negative ? -value : value);
    }

    Result<Json> read_array(int depth) {
        if (depth >= max_array_depth) return error("arrays are nested too deeply");
        take('[');
        Json list = Json::array();
        for (;;) {
            skip_lines();
            if (take(']')) return list;
            list.push_back(TRY(read_value(depth + 1)));
            skip_lines();
            if (!take(',') && peek() != ']') return error(", or ] is missing");
        }
    }

    Result<std::string> read_string() {
        const char quote = text_[at_++];
        std::string out;
        for (;;) {
            if (at_end() || peek() == '\n') return error("the string does not end");
            const char c = text_[at_++];
            if (c == quote) break;
            if (c != '\\' || quote == '\'') {
                out += c;
                continue;
            }
            static constexpr std::string_view letters = "\"\\ntr", meanings = "\"\\\n\t\r";
            const auto found = letters.find(peek());
            if (at_end() || found == std::string_view::npos)
                return error("an escape that is not understood");
            out += meanings[found];
            ++at_;
        }
        if (out.empty() && peek() == quote)
            return error("strings of several lines are not understood");
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Result<Json> parse_toml(std::string_view text) { return TomlParser(text).parse(); }

}  // namespace berth::codec
