#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "sys/cgroup.h"

namespace berth::runtime {

enum class ContainerStatus { Created, Running, Paused, Stopped };
std::string_view to_string(ContainerStatus status);

/// What berth-runtime remembers of a container: <root>/<id>/state.json, beside config.json (a copy
/// of the bundle's) and, until the container is started, start.sock, at which its init waits.
struct ContainerState {
    std::string id;
    pid_t pid = 0;
    std::uint64_t start_time = 0;  ///< of pid, so that a reused number is not taken for it
    std::string bundle;
    std::string rootfs;
    std::string created;  ///< RFC 3339
    std::string cgroup;   ///< path below the hierarchies
    uid_t owner = 0;
    oci::StringMap annotations;
};

/// The directory of all states, `--root`.
class StateStore {
public:
    explicit StateStore(std::string root) : root_(std::move(root)) {}

    std::string directory(const std::string& id) const { return root_ + "/" + id; }
    std::string gate(const std::string& id) const { return directory(id) + "/start.sock"; }
    /// Where compiled filters are kept.
    std::string seccomp_cache() const { return root_ + "/.seccomp"; }

    /// Reserves the id: AlreadyExists when it is taken, InvalidArgument when it is no valid name.
    Result<> reserve(const std::string& id) const;
    Result<> save(const ContainerState& state) const;
    Result<> save_config(const std::string& id, std::string_view text) const;
    /// NotFound ("container does not exist") when there is none.
    Result<ContainerState> load(const std::string& id) const;
    Result<oci::RuntimeSpec> load_config(const std::string& id) const;
    Result<std::vector<ContainerState>> list() const;
    Result<> remove(const std::string& id) const;

    Result<ContainerStatus> status(const ContainerState& state) const;

private:
    std::string root_;
};

/// The container's cgroup; nullopt when it is gone.
std::optional<sys::Cgroup> cgroup_of(const ContainerState& state);

}  // namespace berth::runtime
