#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/command/arguments.h"
#include "runtime/command/container_state.h"

namespace berth::runtime {

/// What every command gets: the global options, the state directory and its own words.
struct CommandContext {
    StateStore store;
    std::span<const std::string> words;
};

/// A command's exit status: its own, or that of the program it ran.
using CommandResult = Result<int>;

CommandResult create_command(const CommandContext& context);
CommandResult run_command(const CommandContext& context);
CommandResult start_command(const CommandContext& context);
CommandResult exec_command(const CommandContext& context);
CommandResult state_command(const CommandContext& context);
CommandResult list_command(const CommandContext& context);
CommandResult ps_command(const CommandContext& context);
CommandResult kill_command(const CommandContext& context);
CommandResult delete_command(const CommandContext& context);
CommandResult pause_command(const CommandContext& context);
CommandResult resume_command(const CommandContext& context);
CommandResult update_command(const CommandContext& context);
CommandResult events_command(const CommandContext& context);
CommandResult spec_command(const CommandContext& context);
CommandResult features_command(const CommandContext& context);

/// The whole program: global flags, command, error reporting. Returns the exit status.
int run_command_line(std::vector<std::string> words);

/// Parses a command's flags; the first argument, the container's id, must be there.
Result<Arguments> parse_with_id(const CommandContext& context, std::span<const FlagSpec> flags);
/// Writes to stdout.
void print(std::string_view text);
/// Removes what a container that has stopped leaves: processes, cgroup, state; then its poststop
/// hooks.
Result<> destroy(const StateStore& store, const ContainerState& state);

}  // namespace berth::runtime
