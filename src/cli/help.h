#pragma once
#include <string>
#include <string_view>

#include "cli/command.h"

namespace berth::cli {

/// The flags that stand before the verb.
const std::vector<Flag>& global_flags();
/// What `--help` prints; `path` is the command as typed: "berth image ls".
std::string help_text(const Command& command, std::string_view path);
/// "Usage:  berth ps [OPTIONS]"
std::string usage_line(const Command& command, std::string_view path);
/// One flag as it stands in help: "-d, --detach" and what it takes ("string").
std::string flag_label(const Flag& flag);
std::string_view value_name(FlagKind kind);

}  // namespace berth::cli
