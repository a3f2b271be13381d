#pragma once
#include <string>
#include <vector>

#include "container/spec.h"
#include "container/users.h"
#include "oci/runtime_spec.h"

namespace berth::container {

/// What only the host knows of a container that is about to start; everything else is in its spec.
struct RuntimeFacts {
    std::string id, name;
    ResolvedUser user;
    std::vector<oci::RuntimeMount> mounts;  // volumes, binds, tmpfs; targets clean and absolute
    std::string hosts_path, hostname_path, resolv_conf_path;
    std::string init_program;                  // host path for --init; empty: none
    std::string pid_namespace, ipc_namespace;  // paths to join; empty: as the spec's modes say
    std::string shared_memory;  // /dev/shm of the container whose IPC namespace is joined
    oci::RuntimeHooks hooks;    // of CDI devices
    std::vector<oci::RuntimeDevice> devices;
    std::vector<oci::RuntimeDeviceRule> device_rules;
    std::vector<std::pair<std::string, std::string>> extra_env;  // weaker than the container's own
    std::optional<UserIds> user_ids;  // with them it gets a user namespace
    std::string cgroup_path;
    bool cgroup_v2 = false;
    std::optional<oci::RuntimeSeccomp> seccomp;  // a profile given by the caller
    std::int64_t default_shm_size = 64 << 20;
    std::vector<Ulimit> default_ulimits;
    std::int64_t default_pids_limit = 0;
};

/// The OCI runtime configuration: Docker's defaults, changed by what the spec asks for.
/// InvalidArgument for a capability, option or mode that does not exist.
Result<oci::RuntimeSpec> plan_runtime(const ContainerSpec& spec, const RuntimeFacts& facts);

/// The process alone, for exec: `args` as `user` with the container's environment and privileges.
Result<oci::RuntimeProcess> plan_process(const ContainerSpec& spec, const RuntimeFacts& facts);
/// The folders about the heat of each processor below `cpus` (/sys/devices/system/cpu), sorted:
/// how hot one has been tells of what it computed. Masked by default.
std::vector<std::string> thermal_paths(const std::string& cpus);
/// Limits alone, for update.
oci::RuntimeResources plan_resources(const Resources& resources, std::int64_t default_pids_limit);

}  // namespace berth::container
