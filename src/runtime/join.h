#pragma once
#include <vector>

#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "sys/fd.h"

namespace berth::runtime {

/// What a further process of a container needs, opened by the parent.
struct JoinRequest {
    const oci::RuntimeProcess& process;
    const ExecOptions& options;
    sys::Pidfd init;
    std::uint64_t namespaces =
        0;  ///< to enter through the pidfd; the pid namespace is entered by birth
    std::vector<sys::Fd> cgroup_files;
    sys::Fd null;
    StateDocument state{};  ///< what a seccomp listener is told
    std::vector<std::byte> seccomp;
    unsigned seccomp_flags = 0;
};

/// The child's side of exec_in(): enters the container and becomes the program. Never returns.
[[noreturn]] void run_join(JoinRequest& request, sys::Fd channel);

}  // namespace berth::runtime
