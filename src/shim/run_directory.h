#pragma once
#include <string>

#include "base/result.h"

namespace berth::shim {

// A shim's directory below the engine's run directory: its socket, its pid, and on Linux
// before 6.15 a place where the container's root is attached.

std::string root_place(const std::string& run_directory);
/// Takes the root off its place, if it is on it.
void release_root_place(const std::string& run_directory);
/// Removes the directory of a shim that is gone, however it went.
Result<> remove_run_directory(const std::string& run_directory);

}  // namespace berth::shim
