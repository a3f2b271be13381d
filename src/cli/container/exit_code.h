#pragma once
#include <string_view>

namespace berth::cli {

/// The exit code that shells expect for a start that failed: 127 when the program is not there, 126
/// when it cannot be run, 125 for anything else. The words are those of every Docker-compatible
/// engine.
int exit_code_of_start(std::string_view message);

}  // namespace berth::cli
