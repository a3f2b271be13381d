#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

/// One flag of a command: "--name" or its one-letter form.
struct FlagSpec {
    std::string_view name;
    char letter = 0;
    bool takes_value = false;
};

/// A command's flags and what follows them. As runc's: flags come first, and everything from the
/// first argument that is none (or after "--") is taken as it is.
class Arguments {
public:
    static Result<Arguments> parse(std::span<const std::string> words,
                                   std::span<const FlagSpec> flags);

    bool has(std::string_view name) const;
    /// The last value given, or the fallback.
    std::string value(std::string_view name, std::string_view fallback = {}) const;
    std::vector<std::string> values(std::string_view name) const;
    const std::vector<std::string>& positional() const { return positional_; }
    /// InvalidArgument when `name` was given and is no number.
    Result<unsigned> number(std::string_view name, unsigned fallback) const;

private:
    std::vector<std::pair<std::string, std::string>> flags_;
    std::vector<std::string> positional_;
};

}  // namespace berth::runtime
