#include "compose/env_file.h"

namespace berth::compose {

namespace {

class Reader {
public:
    Reader(std::string_view text, const std::string& name, const Environment& environment)
        : text_(text), name_(name), known_(environment) {}

    Result<std::vector<EnvAssignment>> read() {
        std::vector<EnvAssignment> out;
        if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
        for (;;) {
            skip_blank();
            if (at_ >= text_.size()) return out;
            EnvAssignment assignment = TRY(read_assignment());
            if (assignment.value) known_[assignment.name] = *assignment.value;
            out.push_back(std::move(assignment));
        }
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
    bool at_line_end() const {
        return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
    }

    void skip_spaces() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }

    void skip_blank() {
        while (at_ < text_.size()) {
            skip_spaces();
            if (peek() == '#') {
                while (!at_line_end()) ++at_;
            }
            if (at_ < text_.size() && !at_line_end()) return;
            if (at_ < text_.size()) ++at_;
        }
    }

    Error refuse(std::size_t where, std::string_view message) const {
        codec::TextPosition position{name_, 1, 1};
        for (std::size_t i = 0; i < where && i < text_.size(); ++i) {
            ++position.column;
            if (text_[i] == '\n') ++position.line, position.column = 1;
        }
        return Error(ErrorCode::InvalidArgument, codec::point_at(text_, position, message));
    }

    Result<EnvAssignment> read_assignment() {
        if (text_.substr(at_).starts_with("export ")) {
            at_ += 7;
            skip_spaces();
        }
        const std::size_t start = at_;
        while (!at_line_end() && text_[at_] != '=' && text_[at_] != ' ' && text_[at_] != '\t' &&
               text_[at_] != '#')
            ++at_;
        EnvAssignment out{std::string(text_.substr(start, at_ - start)), std::nullopt};
        if (out.name.empty()) return refuse(start, "expected a variable name");
        skip_spaces();
        if (at_line_end() || peek() == '#') return out;
        if (peek() != '=')
            return refuse(at_,
                          concat("unexpected text behind the variable name \"", out.name, "\""));
        ++at_;
        skip_spaces();
        out.value = TRY(read_value());
        return out;
    }

    Result<std::string> read_value() {
        if (peek() == '\'' || peek() == '"') return read_quoted();
        const std::size_t start = at_;
        std::size_t end = at_;
        while (!at_line_end() && !(text_[at_] == '#' && at_ > start &&
                                   (text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t'))) {
            if (text_[at_] != ' ' && text_[at_] != '\t') end = at_ + 1;
            ++at_;
        }
        const auto raw = text_.substr(start, end - start);
        while (!at_line_end()) ++at_;
        if (raw.starts_with('#')) return std::string();
        return expand(raw, start);
    }

    Result<std::string> read_quoted() {
        const std::size_t start = at_;
        const char quote = text_[at_++];
        std::string out;
        while (at_ < text_.size() && text_[at_] != quote) {
            if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) {
                append_escape(out, text_[at_ + 1]);
                at_ += 2;
            } else {
                out += text_[at_++];
            }
        }
        if (at_ >= text_.size()) return refuse(start, "quote is never closed");
        ++at_;
        skip_spaces();
        if (!at_line_end() && peek() != '#')
            return refuse(at_, "unexpected text behind the closing quote");
        while (!at_line_end()) ++at_;
        if (quote == '\'') return out;
        return expand(out, start);
    }

    static void append_escape(std::string& out, char c) {
        switch (c) {
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case '"':
            case '\\': out += c; break;
            case '$': out += "$$"; break;
            default: out.append({'\\', c});
        }
    }

    Result<std::string> expand(std::string_view raw, std::size_t where) {
        Warnings ignored;
        auto expanded = interpolate(raw, known_, ignored);
        if (expanded.is_error()) return refuse(where, expanded.error().message());
        return expanded;
    }

    std::string_view text_;
    const std::string& name_;
    Environment known_;
    std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<EnvAssignment>> parse_env_file(std::string_view text, const std::string& name,
                                                  const Environment& environment) {
    return Reader(text, name, environment).read();
}

}  // namespace berth::compose
