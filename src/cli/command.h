#pragma once
#include <climits>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"

namespace berth::cli {

class Context;

/// One verb of the command line, as data: help, completions and man pages are made from it. A
/// command with `children` is a group: no `run`, but maybe flags in front of the verb (`compose -f
/// file up`), which `enter` takes note of.
struct Command {
    std::string_view name;
    std::string_view arguments = {};  ///< "IMAGE [COMMAND] [ARG...]"
    std::string_view summary;         ///< one line, without a full stop
    std::string_view example = {};    ///< a command line that works
    std::vector<Flag> flags = {};
    std::size_t least = 0;  ///< how many arguments it takes
    std::size_t most = 0;
    /// What follows the first argument belongs to the program to be run.
    bool stop_at_first = false;
    /// Does the work; the value is the exit code. An error is printed by the caller, and exits with
    /// `error_code`.
    std::function<Result<int>(Context&, const Flags&)> run = {};
    std::function<Result<>(Context&, const Flags&)> enter = {};
    int error_code = 1;
    std::vector<std::string_view> aliases = {};
    bool hidden = false;
    std::vector<Command> children = {};

    const Command* find_child(std::string_view word) const;
};

inline constexpr std::size_t any_number = SIZE_MAX;

}  // namespace berth::cli
