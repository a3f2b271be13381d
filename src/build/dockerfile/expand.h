#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::build::dockerfile {

/// Expands variables and removes quotes, as the Dockerfile reference says ("Environment
/// replacement"): $name, ${name},
/// ${name:-word} ${name-word} :+ + :? ?, ${name#pattern} ## % %%, ${name/pattern/word} //.
class Expander {
public:
    using Lookup = std::function<std::optional<std::string>(std::string_view name)>;
    Expander(Lookup lookup, char escape) : lookup_(std::move(lookup)), escape_(escape) {}

    /// One word, whatever blanks it holds.
    Result<std::string> expand_word(std::string_view text);
    /// Several: split at blanks outside quotes; a variable outside quotes may become several words.
    Result<std::vector<std::string>> expand_words(std::string_view text);
    /// Variables only: quotes stay. For heredocs.
    Result<std::string> expand_heredoc(std::string_view text);

    /// Names that were asked for and not set, without those that had a fallback.
    const std::set<std::string>& undefined() const { return undefined_; }

private:
    Lookup lookup_;
    char escape_;
    std::set<std::string> undefined_;
};

}  // namespace berth::build::dockerfile
