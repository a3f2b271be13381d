#pragma once
#include "runtime/preparation_internal.h"
#include "sys/fd.h"

namespace berth::runtime {

/// The child's side of launch(): sets the container up from inside, waits at the gate and becomes
/// the program. Runs in a copy of the parent's memory and never returns; what goes wrong is sent
/// over `channel`.
[[noreturn]] void run_init(Preparation& preparation, sys::Fd channel);

}  // namespace berth::runtime
