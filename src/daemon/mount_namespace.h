#pragma once
#include <string>

#include "base/result.h"

namespace berth::daemon {

/// Puts this process into the engine's own mount namespace: the one that a living shim below
/// `exec_root` pins, so that a restarted engine finds its mounts again, or else a new one. Mounts
/// of the host appear in it; ours never on the host. Only while the process has one thread.
Result<> enter_private_mounts(const std::string& exec_root);

}  // namespace berth::daemon
