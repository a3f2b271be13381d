#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::engine {

/// What `info` and `version` tell about the machine. Read once at the start.
struct Host {
    std::string hostname, kernel_version, kernel_build_time;
    std::string operating_system, os_version;
    std::string architecture;     // x86_64
    std::string go_architecture;  // amd64, as in image platforms
    int cpus = 0;
    std::int64_t memory_bytes = 0;
    int cgroup_version = 2;
    bool swap_limit = true;
    std::vector<std::string> security_options;

    static Host read();
};

}  // namespace berth::engine
