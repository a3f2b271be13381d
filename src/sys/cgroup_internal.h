#pragma once
#include "sys/cgroup.h"

namespace berth::sys {

/// Freezes or thaws, and waits until the kernel says that it did.
Result<> set_frozen(const Cgroup& cgroup, bool frozen);

}  // namespace berth::sys
