#pragma once
#include <string>

#include "cli/command.h"

namespace berth::cli {

// What is made from the table of commands.

/// The manual page of a command and, for a group, of all below it. man(7).
std::string man_page(const Command& command, const std::string& path);
/// Completion for "bash", "zsh" or "fish"; "" for any other shell.
std::string completion_script(const Command& root, const std::string& shell);

}  // namespace berth::cli
