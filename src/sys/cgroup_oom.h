#pragma once
#include <cstdint>

#include "base/result.h"
#include "sys/cgroup.h"
#include "sys/fd.h"

namespace berth::sys {

/// How many processes of the cgroup the kernel killed for want of memory. NotFound without a memory
/// controller.
Result<std::uint64_t> count_oom_kills(const Cgroup& cgroup);

/// A descriptor that reports when that count may have changed: with `events` of epoll. Reading it
/// (drain_counter) is harmless and needed in the v1 case.
struct OomEvents {
    Fd fd;
    std::uint32_t events = 0;
    Fd control;  // v1: the registration lives as long as both
};
/// cgroup v1: memory.oom_control through cgroup.event_control; v2: memory.events. NotFound without
/// the controller.
Result<OomEvents> open_oom_events(const Cgroup& cgroup);

}  // namespace berth::sys
