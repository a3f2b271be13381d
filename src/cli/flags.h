#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::cli {

/// What a flag takes. Number and Duration are checked while parsing, so reading them cannot fail
/// later.
enum class FlagKind : std::uint8_t { Bool, Text, Number, Real, Bytes, Duration, List };

/// One flag of a command: "-d, --detach   Run in the background".
struct Flag {
    std::string_view name;
    char letter = 0;
    FlagKind kind = FlagKind::Bool;
    std::string_view help;
    std::string_view fallback = {};  ///< shown and used when the flag is absent
    bool hidden = false;             ///< accepted, but not in the help
    std::string_view alias = {};     ///< a second long name
};

/// What the user wrote, taken apart.
class Flags {
public:
    bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
    bool is_set(std::string_view name) const;  ///< a Bool that is true
    bool has_any() const { return !values_.empty(); }
    /// The last value given, else the fallback, else "".
    std::string text(std::string_view name) const;
    std::optional<std::int64_t> number(std::string_view name) const;
    std::optional<double> real(std::string_view name) const;
    /// Bytes from "512m"; nullopt when absent.
    std::optional<std::int64_t> bytes(std::string_view name) const;
    std::optional<std::int64_t> nanoseconds(std::string_view name) const;
    std::vector<std::string> list(std::string_view name) const;
    const std::vector<std::string>& arguments() const { return arguments_; }
    const std::string& argument(std::size_t index) const { return arguments_.at(index); }
    std::size_t argument_count() const { return arguments_.size(); }

private:
    friend Result<Flags> parse_flags(std::span<const Flag>, std::span<const std::string>, bool);
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::map<std::string, std::string, std::less<>> fallbacks_;
    std::vector<std::string> arguments_;
};

/// Docker's syntax: --flag=value, --flag value, -it together, -p80:80, "--" ends the flags. With
/// `stop_at_first`, the first word that is no flag ends them too (run, exec). InvalidArgument names
/// the flag, with the nearest known one as a hint.
Result<Flags> parse_flags(std::span<const Flag> flags, std::span<const std::string> words,
                          bool stop_at_first);

}  // namespace berth::cli
