#include <cctype>

#include "codec/go_template_lex_internal.h"

namespace berth::codec::template_ast {

namespace {

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void append_utf8(std::string& out, std::uint32_t point) {
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xC0 | (point >> 6));
        out += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        out += static_cast<char>(0xE0 | (point >> 12));
        out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (point & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (point >> 18));
        out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (point & 0x3F));
    }
}

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    Result<std::vector<Token>> run() {
        while (offset_ < text_.size()) {
            TRY(lex_text());
            if (offset_ < text_.size()) TRY(lex_action());
        }
        push(Token::Kind::End, {});
        return std::move(tokens_);
    }

private:
    bool at(std::string_view what) const { return text_.substr(offset_).starts_with(what); }
    char peek() const { return offset_ < text_.size() ? text_[offset_] : '\0'; }
    void advance(std::size_t count) {
        for (; count > 0 && offset_ < text_.size(); --count, ++offset_) {
            if (text_[offset_] == '\n') {
                ++position_.line;
                position_.column = 1;
            } else {
                ++position_.column;
            }
        }
    }
    Error refuse(std::string_view message) const {
        return fail(ErrorCode::InvalidArgument, "template:", position_.line, ":", position_.column,
                    ": ", message);
    }
    void push(Token::Kind kind, std::string text) {
        tokens_.push_back({kind, std::move(text), position_, after_space_});
        after_space_ = false;
    }

    Result<> lex_text() {
        const auto end = std::min(text_.find("{{", offset_), text_.size());
        std::string_view piece = text_.substr(offset_, end - offset_);
        // "{{- " trims what stands before it, " -}}" what follows.
        const bool trims = text_.substr(end).starts_with("{{-") && end + 3 < text_.size() &&
                           is_space(text_[end + 3]);
        std::string_view kept = piece;
        if (trims) {
            while (!kept.empty() && is_space(kept.back())) kept.remove_suffix(1);
        }
        if (trim_next_) {
            while (!kept.empty() && is_space(kept.front())) kept.remove_prefix(1);
            trim_next_ = false;
        }
        if (!kept.empty()) push(Token::Kind::Text, std::string(kept));
        advance(piece.size());
        return {};
    }

    Result<> lex_action() {
        const bool trims = at("{{-") && offset_ + 3 < text_.size() && is_space(text_[offset_ + 3]);
        const std::size_t head = trims ? 4 : 2;
        if (text_.substr(offset_ + head).starts_with("/*")) return lex_comment(head);
        push(Token::Kind::Open, {});
        advance(head);
        while (true) {
            if (offset_ >= text_.size()) return refuse("unclosed action");
            if (is_space(peek())) {
                if (text_.substr(offset_ + 1).starts_with("-}}")) {
                    advance(4);
                    trim_next_ = true;
                    break;
                }
                after_space_ = true;
                advance(1);
                continue;
            }
            if (at("}}")) {
                advance(2);
                break;
            }
            TRY(lex_token());
        }
        after_space_ = false;
        push(Token::Kind::Close, {});
        return {};
    }

    Result<> lex_comment(std::size_t head) {
        const auto end = text_.find("*/", offset_ + head + 2);
        if (end == std::string_view::npos) return refuse("unclosed comment");
        advance(end + 2 - offset_);
        if (at("}}")) {
            advance(2);
        } else if (is_space(peek()) && text_.substr(offset_ + 1).starts_with("-}}")) {
            advance(4);
            trim_next_ = true;
        } else {
            return refuse("comment ends before closing delimiter");
        }
        return {};
    }

    Result<> lex_token() {
        const char c = peek();
        if (c == '"') return lex_quoted();
        if (c == '`') return lex_raw();
        if (c == '\'') return lex_character();
        if (c == '.' && !std::isdigit(static_cast<unsigned char>(next()))) return lex_field();
        if (c == '$') return lex_named(Token::Kind::Variable, 1);
        if (std::isdigit(static_cast<unsigned char>(c)) ||
            ((c == '-' || c == '+' || c == '.') && is_number_next())) {
            return lex_number();
        }
        if (is_name_character(c)) return lex_named(Token::Kind::Word, 0);
        for (const std::string_view symbol : {":=", "|", "(", ")", ",", "="}) {
            if (!at(symbol)) continue;
            push(Token::Kind::Symbol, std::string(symbol));
            advance(symbol.size());
            return {};
        }
        return refuse(concat("unexpected character '", c, "' in action"));
    }

    char next() const { return offset_ + 1 < text_.size() ? text_[offset_ + 1] : '\0'; }
    bool is_number_next() const {
        return std::isdigit(static_cast<unsigned char>(next())) || next() == '.';
    }

    Result<> lex_field() {
        std::size_t size = 1;
        while (offset_ + size < text_.size() && is_name_character(text_[offset_ + size])) ++size;
        push(size == 1 ? Token::Kind::Dot : Token::Kind::Field,
             std::string(text_.substr(offset_ + 1, size - 1)));
        advance(size);
        return {};
    }

    Result<> lex_named(Token::Kind kind, std::size_t head) {
        std::size_t size = head;
        while (offset_ + size < text_.size() && is_name_character(text_[offset_ + size])) ++size;
        push(kind, std::string(text_.substr(offset_ + head, size - head)));
        advance(size);
        return {};
    }

    Result<> lex_number() {
        std::size_t size = 1;
        auto continues = [&](char c) {
            const char before = text_[offset_ + size - 1];
            return is_name_character(c) || c == '.' ||
                   ((c == '+' || c == '-') && (before == 'e' || before == 'E'));
        };
        while (offset_ + size < text_.size() && continues(text_[offset_ + size])) ++size;
        push(Token::Kind::Number, std::string(text_.substr(offset_, size)));
        advance(size);
        return {};
    }

    Result<> lex_raw() {
        const auto end = text_.find('`', offset_ + 1);
        if (end == std::string_view::npos) return refuse("unterminated raw quoted string");
        push(Token::Kind::String, std::string(text_.substr(offset_ + 1, end - offset_ - 1)));
        advance(end + 1 - offset_);
        return {};
    }

    Result<> lex_quoted() {
        std::size_t end = offset_ + 1;
        while (end < text_.size() && text_[end] != '"' && text_[end] != '\n')
            end += text_[end] == '\\' ? 2 : 1;
        if (end >= text_.size() || text_[end] != '"') return refuse("unterminated quoted string");
        std::string value = TRY(unquote(text_.substr(offset_ + 1, end - offset_ - 1)));
        push(Token::Kind::String, std::move(value));
        advance(end + 1 - offset_);
        return {};
    }

    Result<> lex_character() {
        std::size_t end = offset_ + 1;
        while (end < text_.size() && text_[end] != '\'' && text_[end] != '\n')
            end += text_[end] == '\\' ? 2 : 1;
        if (end >= text_.size() || text_[end] != '\'')
            return refuse("unterminated character constant");
        std::string value = TRY(unquote(text_.substr(offset_ + 1, end - offset_ - 1)));
        push(Token::Kind::Character, std::move(value));
        advance(end + 1 - offset_);
        return {};
    }

    // Go's escapes: \n \t \" \\ \x41 \u00e9 \U0001F600 \101.
    Result<std::string> unquote(std::string_view quoted) const {
        std::string out;
        for (std::size_t i = 0; i < quoted.size(); ++i) {
            if (quoted[i] != '\\') {
                out += quoted[i];
                continue;
            }
            if (++i >= quoted.size()) return refuse("bad escape at the end of a string");
            static constexpr std::string_view letters = "abfnrtv\\\"'";
            static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\\"'";
            const char c = quoted[i];
            if (const auto index = letters.find(c); index != std::string_view::npos) {
                out += meanings[index];
                continue;
            }
            const int digits = c == 'x'               ? 2
                               : c == 'u'             ? 4
                               : c == 'U'             ? 8
                               : c >= '0' && c <= '7' ? 3
                                                      : 0;
            if (digits == 0) return refuse(concat("unknown escape \\", c));
            const std::size_t from = digits == 3 ? i : i + 1;
            if (from + digits > quoted.size()) return refuse("short escape in a string");
            std::uint32_t point = 0;
            for (int d = 0; d < digits; ++d) {
                const int value = digit_value(quoted[from + d]);
                const int base = digits == 3 ? 8 : 16;
                if (value < 0 || value >= base) return refuse("bad digit in an escape");
                point = point * base + value;
            }
            if (digits == 2 || digits == 3) {
                if (point > 0xFF) return refuse("escape beyond one byte");
                out += static_cast<char>(point);
            } else {
                if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
                    return refuse("escape is no Unicode character");
                append_utf8(out, point);
            }
            i = from + digits - 1;
        }
        return out;
    }

    static int digit_value(char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    }

    std::string_view text_;
    std::size_t offset_ = 0;
    Position position_;
    bool trim_next_ = false;
    bool after_space_ = false;
    std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> lex_template(std::string_view text) { return Lexer(text).run(); }

}  // namespace berth::codec::template_ast
