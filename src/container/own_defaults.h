#pragma once
#include "container/spec.h"

namespace berth::container {

/// Processes and threads of a container for which nobody said how many.
inline constexpr std::int64_t own_pids_limit = 2048;

/// What Berth's own verbs leave open, as Podman has it: 2,048 processes, a cgroup namespace of its
/// own, and of Docker's capabilities not those that reach other containers or the host's records
/// (AUDIT_WRITE, MKNOD, NET_RAW). What was asked for stays, and privileged containers have all. The
/// user namespace is for has_default_user_namespace() to decide.
void apply_own_defaults(HostConfig& host);

}  // namespace berth::container
