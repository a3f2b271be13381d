#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::codec {

/// Whether `path` matches a pattern of Go's filepath.Match plus `**` (any number of components,
/// none included). Both are slash-separated and clean. A malformed pattern matches nothing; see
/// IgnorePatterns::parse.
bool match_pattern(std::string_view pattern, std::string_view path);
/// Whether the pattern is well-formed: closed brackets, no trailing backslash.
bool is_valid_pattern(std::string_view pattern);

/// The patterns of a .dockerignore file: `#` comments, `!` re-includes, the last match wins, a
/// leading slash means nothing, and what matches a directory matches everything below it.
class IgnorePatterns {
public:
    /// InvalidArgument names the line of a malformed pattern.
    static Result<IgnorePatterns> parse(std::string_view text);
    /// From single patterns, such as those of COPY --exclude.
    static Result<IgnorePatterns> of(const std::vector<std::string>& patterns);

    bool is_empty() const { return patterns_.empty(); }
    /// Whether the path (relative to the context, slash-separated, clean) is left out, by itself or
    /// by a parent.
    bool excludes(std::string_view path) const;
    /// Whether an excluded directory need not be walked, since no `!` pattern can match anything
    /// below it.
    bool can_skip_directory(std::string_view path) const;
    /// Clean patterns with their `!`, in order; for cache keys.
    std::vector<std::string> to_strings() const;

private:
    struct Pattern {
        std::string text;
        bool negated = false;
    };
    Result<> add(std::string_view line);
    std::vector<Pattern> patterns_;
    bool has_negated_ = false;
};

}  // namespace berth::codec
