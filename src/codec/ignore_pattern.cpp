#include "codec/ignore_pattern.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/text.h"

namespace berth::codec {
namespace {

// One character class "[a-z]", "[^x]" of Go's filepath.Match against `c`. Moves `pattern` behind
// it; nullopt when the class is malformed.
std::optional<bool> match_class(std::string_view& pattern, char c) {
    std::size_t at = 1;
    bool negated = false;
    if (at < pattern.size() && pattern[at] == '^') {
        negated = true;
        ++at;
    }
    bool matched = false;
    bool any = false;
    const auto next = [&]() -> std::optional<unsigned char> {
        if (at < pattern.size() && pattern[at] == '\\') ++at;
        if (at >= pattern.size()) return std::nullopt;
        return static_cast<unsigned char>(pattern[at++]);
    };
    while (true) {
        if (at >= pattern.size()) return std::nullopt;
        if (pattern[at] == ']' && any) break;
        if (pattern[at] == ']' || pattern[at] == '-') return std::nullopt;
        const auto low = next();
        if (!low) return std::nullopt;
        auto high = low;
        if (at < pattern.size() && pattern[at] == '-') {
            ++at;
            if (at < pattern.size() && pattern[at] == ']') return std::nullopt;
            high = next();
            if (!high) return std::nullopt;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (*low <= byte && byte <= *high) matched = true;
        any = true;
    }
    pattern.remove_prefix(at + 1);
    return matched != negated;
}

// One component against one component, with backtracking over the last star only: linear times the
// number of stars.
bool match_component(std::string_view pattern, std::string_view name) {
    std::optional<std::pair<std::string_view, std::string_view>> retry;
    while (true) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            retry = {pattern, name};
            continue;
        }
        if (name.empty() && pattern.empty()) return true;
        bool matched = false;
        if (!name.empty() && !pattern.empty()) {
            if (pattern.front() == '?') {
                pattern.remove_prefix(1);
                matched = true;
            } else if (pattern.front() == '[') {
                const auto result = match_class(pattern, name.front());
                if (!result) return false;
                matched = *result;
            } else {
                if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
                matched = pattern.front() == name.front();
                pattern.remove_prefix(1);
            }
            if (matched) {
                name.remove_prefix(1);
                continue;
            }
        }
        if (!retry || retry->second.empty()) return false;
        retry->second.remove_prefix(1);
        pattern = retry->first;
        name = retry->second;
    }
}

std::vector<std::string_view> components(std::string_view path) {
    std::vector<std::string_view> out;
    while (!path.empty()) {
        const auto slash = path.find('/');
        if (slash != 0) out.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    return out;
}

// Whether the first `n` components of pattern and path correspond, for every n: reached[j] says
// that the pattern's part so far matches the path's first j components. `**` spreads to the right.
// No recursion, so no exponential patterns.
std::vector<bool> reach(std::span<const std::string_view> pattern,
                        std::span<const std::string_view> path) {
    std::vector<bool> reached(path.size() + 1, false);
    reached[0] = true;
    for (const auto part : pattern) {
        std::vector<bool> next(path.size() + 1, false);
        if (part == "**") {
            bool open = false;
            for (std::size_t j = 0; j <= path.size(); ++j) {
                open = open || reached[j];
                next[j] = open;
            }
        } else {
            for (std::size_t j = 0; j < path.size(); ++j)
                next[j + 1] = reached[j] && match_component(part, path[j]);
        }
        reached = std::move(next);
    }
    return reached;
}

// Removes "." and empty components and resolves "..", as Go's filepath.Clean does for a path below
// the context.
std::string clean(std::string_view path) {
    std::vector<std::string> kept;
    for (const auto part : components(path)) {
        if (part == ".") continue;
        if (part == "..") {
            if (!kept.empty()) kept.pop_back();
            continue;
        }
        kept.emplace_back(part);
    }
    return join(kept, "/");
}

}  // namespace

bool match_pattern(std::string_view pattern, std::string_view path) {
    if (!is_valid_pattern(pattern)) return false;
    const auto parts = components(path);
    return reach(components(pattern), parts).back();
}

bool is_valid_pattern(std::string_view pattern) {
    for (std::size_t at = 0; at < pattern.size();) {
        if (pattern[at] == '\\') {
            if (at + 1 >= pattern.size()) return false;
            at += 2;
        } else if (pattern[at] == '[') {
            std::string_view rest = pattern.substr(at);
            if (!match_class(rest, 'a')) return false;
            at = pattern.size() - rest.size();
        } else {
            ++at;
        }
    }
    return true;
}

Result<> IgnorePatterns::add(std::string_view line) {
    std::string_view text = trim(line);
    if (text.empty() || text.front() == '#') return {};
    Pattern pattern;
    if (text.front() == '!') {
        pattern.negated = true;
        text = trim(text.substr(1));
        if (text.empty())
            return fail(ErrorCode::InvalidArgument, "illegal exclusion pattern: \"!\"");
    }
    pattern.text = clean(text);
    if (!is_valid_pattern(pattern.text))
        return fail(ErrorCode::InvalidArgument, "malformed pattern: \"", text, "\"");
    // "." or "/" alone: the context itself, which is never left out.
    if (pattern.text.empty()) return {};
    has_negated_ = has_negated_ || pattern.negated;
    patterns_.push_back(std::move(pattern));
    return {};
}

Result<IgnorePatterns> IgnorePatterns::parse(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    IgnorePatterns out;
    int number = 0;
    for (const auto& line : split(text, '\n')) {
        ++number;
        TRY(out.add(line).context(".dockerignore:", number));
    }
    return out;
}

Result<IgnorePatterns> IgnorePatterns::of(const std::vector<std::string>& patterns) {
    IgnorePatterns out;
    for (const auto& pattern : patterns) TRY(out.add(pattern));
    return out;
}

bool IgnorePatterns::excludes(std::string_view path) const {
    const auto parts = components(path);
    bool excluded = false;
    for (const auto& pattern : patterns_) {
        if (excluded == !pattern.negated) continue;  // it could change nothing
        const auto reached = reach(components(pattern.text), parts);
        if (std::find(reached.begin() + 1, reached.end(), true) != reached.end())
            excluded = !pattern.negated;
    }
    return excluded;
}

bool IgnorePatterns::can_skip_directory(std::string_view path) const {
    if (!excludes(path)) return false;
    if (!has_negated_) return true;
    const auto parts = components(path);
    for (const auto& pattern : patterns_) {
        if (!pattern.negated) continue;
        const auto wanted = components(pattern.text);
        // Something below `path` can match when a proper front part of the pattern matches the
        // whole path, ...
        for (std::size_t front = 0; front < wanted.size(); ++front)
            if (reach(std::span(wanted).first(front), parts).back()) return false;
        // ... or when a `**` in it can stand for the path's end, which the loop above has covered
        // as well, since `**` spreads; a trailing `**` is the whole pattern.
        if (!wanted.empty() && wanted.back() == "**" && reach(wanted, parts).back()) return false;
    }
    return true;
}

std::vector<std::string> IgnorePatterns::to_strings() const {
    std::vector<std::string> out;
    // "./" and "/" keep what add() would otherwise take for a comment, a negation or surrounding
    // space.
    for (const auto& pattern : patterns_) {
        const bool plain = trim(pattern.text) == pattern.text && pattern.text.front() != '!' &&
                           pattern.text.front() != '#';
        out.push_back(
            concat(pattern.negated ? "!" : "", plain ? "" : "./", pattern.text, plain ? "" : "/"));
    }
    return out;
}

}  // namespace berth::codec
