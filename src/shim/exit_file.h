#pragma once
#include <optional>
#include <string>

#include "shim/protocol.h"

namespace berth::shim {

/// Where a shim leaves what became of its container, for an engine that was away: `directory`/exit.
/// The content is an encoded Exited. It must survive the engine, not a power cut (which ends the
/// container anyway), so it is renamed into place but not synced.
Result<> write_exit_file(const std::string& directory, const Exited& exited);
/// nullopt when there is none, or when it is damaged.
std::optional<Exited> read_exit_file(const std::string& directory);
Result<> remove_exit_file(const std::string& directory);

}  // namespace berth::shim
