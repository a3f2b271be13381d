#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::sys {

// Where and when the calling process runs. Names are those of the runtime specification, which are
// the kernel's own.

/// sched_setattr(2). `policy` is "SCHED_OTHER" ...; times are nanoseconds and only for
/// SCHED_DEADLINE.
struct SchedulerRequest {
    std::string policy;
    int nice = 0;
    unsigned priority = 0;
    std::vector<std::string> flags;  ///< "SCHED_FLAG_RESET_ON_FORK" ...
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};
/// InvalidArgument for names that do not exist.
Result<> set_scheduler(const SchedulerRequest& request);

/// ioprio_set(2). `io_class` is "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE" or "IOPRIO_CLASS_IDLE".
Result<> set_io_priority(std::string_view io_class, int priority);

/// "0-3,7" -> 0 1 2 3 7. InvalidArgument for anything else, and for numbers of 8192 and more.
Result<std::vector<unsigned>> parse_number_list(std::string_view text);
/// sched_setaffinity(2) with such a list.
Result<> set_cpu_affinity(std::string_view cpus);

/// set_mempolicy(2). `mode` is "MPOL_BIND" ..., `nodes` a list as above, may be empty.
struct MemoryPolicy {
    std::string mode;
    std::string nodes;
    std::vector<std::string> flags;  ///< "MPOL_F_STATIC_NODES" ...
};
Result<> set_memory_policy(const MemoryPolicy& policy);

/// personality(2): "LINUX" or "LINUX32".
Result<> set_personality(std::string_view domain);

}  // namespace berth::sys
