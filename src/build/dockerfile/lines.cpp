// From bytes to logical lines. The rules are those of the Dockerfile reference ("Format", "Parser
// directives", "Here-Documents") with their corner cases as users know them:
// - a comment line inside a continued instruction disappears, as does an empty one (it warns);
// - blanks in front of a continued line stay, since the shell may see them;
// - `\` counts as a continuation only when no other `\` stands before it;
// - heredoc bodies are taken as they are: neither comments nor continuations exist in them.
#include "build/dockerfile/lines.h"

#include <algorithm>
#include <optional>

namespace berth::build::dockerfile {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_space(char c) { return is_blank(c) || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }

std::string_view skip_blanks(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    return text;
}

// The line without its continuation mark, or nullopt when it has none.
std::optional<std::string_view> strip_continuation(std::string_view line, char escape) {
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    if (line.empty() || line.back() != escape) return std::nullopt;
    line.remove_suffix(1);
    if (!line.empty() && line.back() == escape) return std::nullopt;
    return line;
}

struct HeredocMark {
    std::string name;
    bool expand = true;
    bool strip_tabs = false;
};

// "<<EOF", "<<-'EOF'", "0<<EOF" as a whole word.
std::optional<HeredocMark> parse_heredoc_mark(std::string_view word) {
    if (word.starts_with('0')) word.remove_prefix(1);
    if (!word.starts_with("<<")) return std::nullopt;
    word.remove_prefix(2);
    HeredocMark mark;
    if (word.starts_with('-')) {
        mark.strip_tabs = true;
        word.remove_prefix(1);
    }
    for (std::size_t i = 0; i < word.size(); ++i) {
        const char c = word[i];
        if (c == '<') return std::nullopt;
        if (c == '"' || c == '\'') {
            const auto end = word.find(c, i + 1);
            if (end == std::string_view::npos) return std::nullopt;
            mark.name += word.substr(i + 1, end - i - 1);
            mark.expand = false;
            i = end;
        } else if (c == '\\' && i + 1 < word.size()) {
            mark.name += word[++i];
            mark.expand = false;
        } else if (std::string_view(">|&;()").find(c) != std::string_view::npos) {
            break;  // "<<EOF>file": the shell ends the name here
        } else {
            mark.name += c;
        }
    }
    if (mark.name.empty()) return std::nullopt;
    return mark;
}

std::string first_word_upper(std::string_view text) {
    text = skip_blanks(text);
    return to_upper(text.substr(0, std::min(text.find_first_of(" \t"), text.size())));
}

bool may_have_heredocs(std::string_view text) {
    std::string keyword = first_word_upper(text);
    if (keyword == "ONBUILD") {
        text = skip_blanks(skip_blanks(text).substr(7));
        keyword = first_word_upper(text);
    }
    return keyword == "RUN" || keyword == "COPY" || keyword == "ADD";
}

struct Directive {
    std::string key, value;
};
std::optional<Directive> parse_directive(std::string_view line) {
    line = skip_blanks(line);
    if (!line.starts_with('#')) return std::nullopt;
    const auto parts = split_once(line.substr(1), '=');
    if (!parts) return std::nullopt;
    const std::string key = to_lower(trim(parts->first));
    if (key.empty() || !std::ranges::all_of(key, [](char c) { return c >= 'a' && c <= 'z'; }))
        return std::nullopt;
    return Directive{key, std::string(trim(parts->second))};
}

}  // namespace

class LineReader {
public:
    explicit LineReader(const Source& source) : source_(source) {}

    Result<Lines> read() {
        TRY(read_directives());
        while (!at_end()) {
            const std::string_view line = skip_blanks(current());
            if (line.empty() || line.starts_with('#')) {
                ++number_;
                continue;
            }
            TRY(read_logical_line());
        }
        return std::move(out_);
    }

private:
    bool at_end() const { return static_cast<std::size_t>(number_) > source_.line_count(); }
    std::string_view current() const { return source_.line(number_); }

    Result<> read_directives() {
        std::vector<std::string> seen;
        for (; !at_end(); ++number_) {
            const auto directive = parse_directive(current());
            static const std::vector<std::string> known{"syntax", "escape", "check"};
            if (!directive || std::ranges::find(known, directive->key) == known.end()) return {};
            const Place place{.line = number_,
                              .column = 1,
                              .end_line = number_,
                              .length = static_cast<int>(current().size())};
            if (std::ranges::find(seen, directive->key) != seen.end())
                return source_.error(
                    place, concat("only one ", directive->key, " parser directive can be used"));
            seen.push_back(directive->key);
            if (directive->key == "syntax") out_.syntax = directive->value;
            if (directive->key == "check") out_.check = directive->value;
            if (directive->key == "escape") {
                if (directive->value != "\\" && directive->value != "`")
                    return source_.error(place, concat("invalid escape token '", directive->value,
                                                       "', it must be ` or \\"));
                out_.escape = directive->value[0];
            }
        }
        return {};
    }

    Result<> read_logical_line() {
        LogicalLine logical;
        logical.first_line = number_;
        const std::string_view first = skip_blanks(current());
        bool continues = append(logical, first, static_cast<int>(current().size() - first.size()));
        while (continues && !at_end()) {
            const std::string_view next = current();
            const std::string_view content = skip_blanks(next);
            if (content.empty()) {
                warn("NoEmptyContinuation", "empty continuation line found in: " + logical.text);
                ++number_;
            } else if (content.starts_with('#')) {
                ++number_;
            } else {
                continues = append(logical, next, 0);
            }
        }
        while (!logical.text.empty() && is_space(logical.text.back())) logical.text.pop_back();
        logical.last_line = number_ - 1;
        if (may_have_heredocs(logical.text)) TRY(read_heredocs(logical));
        out_.lines.push_back(std::move(logical));
        return {};
    }

    // Adds the current file line and moves on; true when it is continued.
    bool append(LogicalLine& logical, std::string_view line, int skipped) {
        const auto continued = strip_continuation(line, out_.escape);
        logical.pieces_.push_back({logical.text.size(), number_, skipped + 1});
        logical.text += continued ? *continued : line;
        logical.last_line = number_++;
        return continued.has_value();
    }

    Result<> read_heredocs(LogicalLine& logical) {
        std::vector<std::size_t> offsets;
        const auto words = split_words(logical.text, out_.escape, &offsets);
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto mark = parse_heredoc_mark(words[i]);
            if (!mark) continue;
            Heredoc heredoc{.name = mark->name,
                            .expand = mark->expand,
                            .strip_tabs = mark->strip_tabs,
                            .line = number_};
            if (!read_heredoc_body(heredoc))
                return source_.error(
                    logical.place(offsets[i], words[i].size()),
                    concat("unterminated heredoc: no line says only ", heredoc.name));
            logical.heredocs.push_back(std::move(heredoc));
            logical.last_line = number_ - 1;
        }
        return {};
    }

    bool read_heredoc_body(Heredoc& heredoc) {
        for (; !at_end(); ++number_) {
            std::string_view line = current();
            if (heredoc.strip_tabs)
                while (line.starts_with('\t')) line.remove_prefix(1);
            if (line == heredoc.name) {
                ++number_;
                return true;
            }
            heredoc.content.append(line).push_back('\n');
        }
        return false;
    }

    void warn(std::string rule, std::string message) {
        out_.warnings.push_back({std::move(rule),
                                 std::move(message),
                                 {.line = number_, .column = 1, .end_line = number_}});
    }

    const Source& source_;
    int number_ = 1;
    Lines out_;
};

Place LogicalLine::place(std::size_t offset, std::size_t length) const {
    Place place{
        .line = first_line, .column = 1, .end_line = last_line, .length = static_cast<int>(length)};
    for (const auto& piece : pieces_) {
        if (piece.offset > offset) break;
        place.line = piece.line;
        place.column = piece.column + static_cast<int>(offset - piece.offset);
    }
    return place;
}

Result<Lines> read_lines(const Source& source) {
    if (source.text().size() > max_dockerfile_bytes)
        return fail(ErrorCode::InvalidArgument, source.name(), " is larger than ",
                    max_dockerfile_bytes >> 20, " MiB");
    if (source.text().find('\0') != std::string::npos)
        return fail(ErrorCode::InvalidArgument, source.name(),
                    " is not a text file: it holds zero bytes");
    return LineReader(source).read();
}

std::vector<std::string> split_words(std::string_view text, char escape,
                                     std::vector<std::size_t>* offsets) {
    std::vector<std::string> words;
    std::size_t at = 0;
    while (true) {
        while (at < text.size() && is_space(text[at])) ++at;
        if (at >= text.size()) return words;
        const std::size_t start = at;
        char quote = 0;
        for (; at < text.size() && (quote || !is_space(text[at])); ++at) {
            const char c = text[at];
            if (quote) {
                if (c == quote) {
                    quote = 0;
                } else if (c == escape && quote == '"' && at + 1 < text.size()) {
                    ++at;
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == escape && at + 1 < text.size()) {
                ++at;
            }
        }
        at = std::min(at, text.size());
        words.emplace_back(text.substr(start, at - start));
        if (offsets) offsets->push_back(start);
    }
}

}  // namespace berth::build::dockerfile
