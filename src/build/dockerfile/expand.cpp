#include "build/dockerfile/expand.h"

#include <algorithm>

#include "base/text.h"

namespace berth::build::dockerfile {
namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_shell_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}
bool is_special(char c) { return std::string_view("@*#?-$!").find(c) != std::string_view::npos; }

Error syntax(std::string_view what) { return Error(ErrorCode::InvalidArgument, std::string(what)); }

// A shell pattern (`*`, `?`, `\x`) against all of `text`. Backtracks over the last star only.
bool glob(std::string_view pattern, std::string_view text) {
    std::optional<std::pair<std::string_view, std::string_view>> retry;
    while (true) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            retry = {pattern, text};
            continue;
        }
        if (pattern.empty() && text.empty()) return true;
        if (!pattern.empty() && !text.empty()) {
            const bool escaped = pattern.front() == '\\' && pattern.size() > 1;
            const char c = pattern[escaped ? 1 : 0];
            if ((c == '?' && !escaped) || c == text.front()) {
                pattern.remove_prefix(escaped ? 2 : 1);
                text.remove_prefix(1);
                continue;
            }
        }
        if (!retry || retry->second.empty()) return false;
        retry->second.remove_prefix(1);
        pattern = retry->first;
        text = retry->second;
    }
}

std::string trim_prefix(const std::string& value, std::string_view pattern, bool longest) {
    for (std::size_t i = 0; i <= value.size(); ++i) {
        const std::size_t length = longest ? value.size() - i : i;
        if (glob(pattern, std::string_view(value).substr(0, length))) return value.substr(length);
    }
    return value;
}

std::string trim_suffix(const std::string& value, std::string_view pattern, bool longest) {
    for (std::size_t i = 0; i <= value.size(); ++i) {
        const std::size_t start = longest ? i : value.size() - i;
        if (glob(pattern, std::string_view(value).substr(start))) return value.substr(0, start);
    }
    return value;
}

// Each match is the longest at the leftmost place.
std::string substitute(const std::string& value, std::string_view pattern, std::string_view by,
                       bool all) {
    std::string out;
    std::size_t at = 0;
    while (at < value.size()) {
        std::size_t length = value.size() - at;
        while (length > 0 && !glob(pattern, std::string_view(value).substr(at, length))) --length;
        if (length == 0) {
            out += value[at++];
            continue;
        }
        out += by;
        at += length;
        if (!all) break;
    }
    return at < value.size() ? out + value.substr(at) : out;
}

/// One pass over one text. Limits what substitution can grow to: nested fallbacks cannot multiply
/// it beyond.
class Pass {
public:
    Pass(std::string_view text, const Expander::Lookup& lookup, char escape, bool raw,
         std::set<std::string>& undefined)
        : text_(text), lookup_(lookup), escape_(escape), raw_(raw), undefined_(undefined) {}

    Result<std::string> run() {
        TRY(read_until('\0', '\0'));
        finish_word();
        return std::move(whole_);
    }
    std::vector<std::string> take_words() { return std::move(words_); }

private:
    static constexpr int max_depth = 32;

    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return text_[at_]; }

    // Reads to the end, or up to an unquoted `stop` or `other_stop` when they are not 0.
    Result<> read_until(char stop, char other_stop) {
        while (!at_end()) {
            const char c = peek();
            if (stop && (c == stop || c == other_stop)) return {};
            if (c == '$') {
                const std::string value = TRY(read_dollar());
                add_split(value);
            } else if (!raw_ && c == '\'') {
                TRY(read_single_quoted());
            } else if (!raw_ && c == '"') {
                TRY(read_double_quoted());
            } else if (c == escape_) {
                read_escape();
            } else {
                ++at_;
                is_shell_blank(c) ? add_blank(c) : add(c);
            }
        }
        return {};
    }

    void read_escape() {
        ++at_;
        if (at_end()) return add(escape_);
        // A pattern must still see what was escaped.
        if (is_pattern_) add('\\');
        // In a heredoc the escape belongs to the text unless it protects a dollar.
        if (raw_ && peek() != '$') return add(escape_);
        add(text_[at_++]);
    }

    Result<> read_single_quoted() {
        ++at_;
        in_word_ = true;
        const auto end = text_.find('\'', at_);
        if (end == std::string_view::npos)
            return syntax("unexpected end of statement while looking for matching single-quote");
        for (; at_ < end; ++at_) add(text_[at_]);
        ++at_;
        return {};
    }

    Result<> read_double_quoted() {
        ++at_;
        in_word_ = true;
        while (true) {
            if (at_end())
                return syntax(
                    "unexpected end of statement while looking for matching double-quote");
            const char c = peek();
            if (c == '"') break;
            if (c == '$') {
                const std::string value = TRY(read_dollar());
                for (const char each : value) add(each);
            } else if (c == escape_ && at_ + 1 < text_.size() &&
                       (text_[at_ + 1] == '"' || text_[at_ + 1] == '$' ||
                        text_[at_ + 1] == escape_)) {
                add(text_[at_ + 1]);
                at_ += 2;
            } else {
                add(c);
                ++at_;
            }
        }
        ++at_;
        return {};
    }

    Result<std::string> read_dollar() {
        ++at_;
        if (at_end()) return std::string("$");
        if (peek() == '{') return read_braced();
        const std::string name = read_name();
        if (name.empty()) return std::string("$");
        return value_of(name);
    }

    std::string read_name() {
        const std::size_t start = at_;
        if (at_end()) return {};
        if (is_name_start(peek())) {
            while (!at_end() && (is_name_start(peek()) || is_digit(peek()))) ++at_;
        } else if (is_digit(peek())) {
            while (!at_end() && is_digit(peek())) ++at_;
        } else if (is_special(peek())) {
            ++at_;
        }
        return std::string(text_.substr(start, at_ - start));
    }

    std::string value_of(const std::string& name) {
        auto value = lookup_(name);
        if (!value) undefined_.insert(name);
        return std::move(value).value_or("");
    }

    Result<std::string> read_braced() {
        ++at_;
        if (at_end()) return syntax("syntax error: missing '}'");
        if (peek() == '}') return syntax("syntax error: bad substitution");
        const std::string name = read_name();
        if (name.empty()) return syntax("syntax error: bad substitution");
        if (at_end()) return syntax("syntax error: missing '}'");
        if (peek() == '}') {
            ++at_;
            return value_of(name);
        }
        return read_modifier(name);
    }

    Result<std::string> read_modifier(const std::string& name) {
        const char modifier = text_[at_++];
        switch (modifier) {
            case ':': {
                if (at_end()) return syntax("syntax error: missing ':' in substitution");
                const char kind = text_[at_++];
                if (std::string_view("-+?").find(kind) == std::string_view::npos)
                    return syntax(concat("unsupported modifier (:", kind, ") in substitution"));
                return apply_default(name, kind, true);
            }
            case '-':
            case '+':
            case '?': return apply_default(name, modifier, false);
            case '#':
            case '%': return apply_trim(name, modifier);
            case '/': return apply_substitute(name);
        }
        return syntax(concat("unsupported modifier (", modifier, ") in substitution"));
    }

    Result<std::string> apply_default(const std::string& name, char kind, bool empty_is_unset) {
        const std::string word = TRY(read_nested('}', '}'));
        auto value = lookup_(name);
        const bool is_set = value && !(empty_is_unset && value->empty());
        if (kind == '+') return is_set ? word : std::string();
        if (is_set) return std::move(*value);
        if (kind == '-') return word;
        const std::string reason = !word.empty()    ? word
                                   : empty_is_unset ? "is not allowed to be empty"
                                                    : "is not allowed to be unset";
        return syntax(concat(name, ": ", reason));
    }

    Result<std::string> apply_trim(const std::string& name, char kind) {
        bool longest = false;
        if (!at_end() && peek() == kind) {
            longest = true;
            ++at_;
        }
        const std::string pattern = TRY(read_nested('}', '}', true));
        const std::string value = value_of(name);
        return kind == '#' ? trim_prefix(value, pattern, longest)
                           : trim_suffix(value, pattern, longest);
    }

    Result<std::string> apply_substitute(const std::string& name) {
        bool all = false;
        if (!at_end() && peek() == '/') {
            all = true;
            ++at_;
        }
        const std::string pattern = TRY(read_nested('/', '}', true));
        std::string by;
        if (text_[at_ - 1] == '/') by = TRY(read_nested('}', '}'));
        return substitute(value_of(name), pattern, by, all);
    }

    // The word of a modifier, expanded, up to one of the two ends, which is passed over.
    Result<std::string> read_nested(char end, char other_end, bool is_pattern = false) {
        if (depth_ >= max_depth) return syntax("substitutions are nested too deeply");
        Pass inner(text_, lookup_, escape_, raw_, undefined_);
        inner.at_ = at_;
        inner.depth_ = depth_ + 1;
        inner.is_pattern_ = is_pattern;
        TRY(inner.read_until(end, other_end));
        if (inner.at_end()) return syntax("syntax error: missing '}'");
        at_ = inner.at_ + 1;
        return std::move(inner.whole_);
    }

    void add(char c) {
        whole_ += c;
        word_ += c;
        in_word_ = true;
    }
    void add_blank(char c) {
        whole_ += c;
        finish_word();
    }
    void add_split(const std::string& value) {
        for (const char c : value) is_shell_blank(c) ? add_blank(c) : add(c);
    }
    void finish_word() {
        if (in_word_) words_.push_back(std::move(word_));
        word_.clear();
        in_word_ = false;
    }

    std::string_view text_;
    const Expander::Lookup& lookup_;
    char escape_;
    bool raw_;
    std::set<std::string>& undefined_;
    std::size_t at_ = 0;
    int depth_ = 0;
    std::string whole_, word_;
    bool in_word_ = false;
    bool is_pattern_ = false;
    std::vector<std::string> words_;
};

}  // namespace

Result<std::string> Expander::expand_word(std::string_view text) {
    return Pass(text, lookup_, escape_, false, undefined_).run();
}

Result<std::vector<std::string>> Expander::expand_words(std::string_view text) {
    Pass pass(text, lookup_, escape_, false, undefined_);
    TRY(pass.run());
    return pass.take_words();
}

Result<std::string> Expander::expand_heredoc(std::string_view text) {
    return Pass(text, lookup_, escape_, true, undefined_).run();
}

}  // namespace berth::build::dockerfile
