#pragma once
#include <array>
#include <string>

#include "oci/runtime_spec.h"
#include "runtime/launch.h"
#include "shim/protocol.h"

// Everything that needs config.json as values happens in a short-lived child of the shim, whose
// memory goes with it.
namespace berth::shim {

struct LaunchRequest {
    const Configure* configure = nullptr;
    int root_mount = -1;
    int network_namespace = -1;
    int user_namespace = -1;
    std::array<int, 3> streams{-1, -1, -1};
};
/// Gives the streams to root of the container's user namespace, who could not open /dev/stdout
/// otherwise. Of no consequence without one.
void own_streams(const Configure& configure, const std::array<int, 3>& streams);
/// Makes the container's cgroup and its init process, which waits at the gate.
Result<runtime::Launched> launch_container(const LaunchRequest& request);

struct ExecRequest {
    const Configure* configure = nullptr;
    pid_t init = 0;
    int process_file =
        -1;  // JSON of the process; -1: the container's own process with `command` for args
    std::vector<std::string> command;
    std::array<int, 3> streams{-1, -1, -1};
};
/// Runs one more process in the container; it is a child of this one.
Result<runtime::Launched> launch_exec(const ExecRequest& request);

}  // namespace berth::shim
