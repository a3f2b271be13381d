#include "container/user_namespace.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "container/id_blocks.h"
#include "sys/file.h"

namespace berth::container {

namespace {

bool joins_another(const std::string& mode) { return mode.starts_with("container:"); }

// What means something in namespaces of one's own. MKNOD does not: device nodes are the host's.
bool is_own_capability(std::string name) {
    name = to_upper(name);
    if (name.starts_with("CAP_")) name.erase(0, 4);
    static constexpr std::string_view own[] = {
        "AUDIT_WRITE", "CHOWN",     "DAC_OVERRIDE", "FOWNER",     "FSETID",
        "KILL",        "NET_ADMIN", "NET_RAW",      "SETFCAP",    "SETGID",
        "SETPCAP",     "SETUID",    "SYS_CHROOT",   "SYS_PTRACE", "NET_BIND_SERVICE"};
    return std::ranges::find(own, name) != std::end(own);
}

// Other parameters are the host's, or its root's even where they are of a namespace.
bool is_own_sysctl(std::string_view name) {
    return name.starts_with("net.ipv4.") || name.starts_with("net.ipv6.");
}

// "uid", "uid:gid", or names: those are looked up when the container starts.
bool has_user(std::string_view user) {
    const auto in_reach = [](std::string_view id) {
        return parse_int(id).value_or(0) < ids_per_range;
    };
    const auto parts = split_once(user, ':');
    return parts ? in_reach(parts->first) && in_reach(parts->second) : in_reach(user);
}

// Whoever listens on a socket of the host asks the kernel who is calling.
bool holds_sockets(const std::string& source, const struct stat& about) {
    if (S_ISSOCK(about.st_mode)) return true;
    for (const std::string_view folder : {"/run", "/var/run", "/tmp/.X11-unix"})
        if (source == folder || source.starts_with(concat(folder, "/"))) return true;
    return false;
}

bool lies_below(const std::string& path, const std::string& folder) {
    return folder == "/" ? path != "/" : path.starts_with(folder + "/");
}

bool can_map_bind(const MountRequest& mount, sys::BorrowedFd namespace_fd,
                  const std::vector<sys::MountEntry>& host_mounts) {
    std::error_code error;
    // A source that is still to be made is made where its folder is.
    const std::string source = std::filesystem::weakly_canonical(mount.source, error).string();
    if (error) return false;
    std::string existing = source;
    while (existing != "/" && !sys::exists(existing))
        existing = std::filesystem::path(existing).parent_path().string();
    const auto about = sys::stat(existing);
    if (!about || holds_sockets(source, *about)) return false;
    const auto& propagation = mount.propagation;
    if (!propagation.empty() && propagation != "rprivate" && propagation != "private") return false;
    // Only the mount itself is mapped, not what is mounted below it.
    const bool has_more = std::ranges::any_of(host_mounts, [&](const sys::MountEntry& entry) {
        return lies_below(entry.target, source);
    });
    if (has_more && !mount.non_recursive) return false;
    const auto copy = sys::clone_tree(existing);
    if (!copy) return false;
    const sys::MountAttributes map{.set = MOUNT_ATTR_IDMAP, .user_namespace = namespace_fd.get()};
    return !sys::set_attributes(copy->fd(), map).is_error();
}

// The setting with which a user namespace of its own cannot be; "" when there is none.
std::string excluding_setting(const HostConfig& host) {
    if (host.privileged) return "--privileged";
    if (host.network_mode == "host" || joins_another(host.network_mode))
        return concat("--network ", host.network_mode);
    if (!host.pid_mode.empty()) return concat("--pid ", host.pid_mode);
    if (host.ipc_mode == "host" || joins_another(host.ipc_mode))
        return concat("--ipc ", host.ipc_mode);
    if (!host.uts_mode.empty()) return concat("--uts ", host.uts_mode);
    return {};
}

}  // namespace

Result<> check_user_namespace(const HostConfig& host) {
    if (host.userns_mode != "auto") return {};
    const std::string other = excluding_setting(host);
    if (other.empty()) return {};
    return fail(ErrorCode::InvalidArgument, other,
                " and --userns auto exclude each other: it needs namespaces of its own");
}

bool suits_user_namespace(const ContainerSpec& spec) {
    const HostConfig& host = spec.host;
    if (!excluding_setting(host).empty()) return false;
    // --security-opt systempaths=unconfined: settings of the kernel that the host's root may write.
    const bool opens_kernel = host.readonly_paths && host.readonly_paths->empty();
    // The directories of a cgroup are the host's root's.
    const bool writes_cgroups = std::ranges::any_of(host.security_opt, [](std::string_view option) {
        return option.starts_with("writable-cgroups");
    });
    return !writes_cgroups && host.devices.empty() && host.device_claims.empty() &&
           host.device_cgroup_rules.empty() &&
           std::ranges::all_of(host.cap_add, is_own_capability) && !opens_kernel &&
           std::ranges::all_of(host.sysctls,
                               [](const auto& entry) { return is_own_sysctl(entry.first); }) &&
           has_user(spec.user) && std::ranges::all_of(host.group_add, has_user);
}

Result<> check_user_has_place(const ResolvedUser& user, const std::optional<UserIds>& ids) {
    if (!ids) return {};
    std::uint32_t highest = std::max(user.uid, user.gid);
    for (const std::uint32_t group : user.groups) highest = std::max(highest, group);
    if (highest < ids->count) return {};
    return fail(ErrorCode::InvalidArgument, "user or group ", highest,
                " has no place in the container's user namespace, which ends at ", ids->count - 1,
                "; create the container with --userns host");
}

bool can_map_mounts(const std::vector<MountRequest>& mounts, sys::BorrowedFd namespace_fd,
                    const std::vector<sys::MountEntry>& host_mounts) {
    return std::ranges::all_of(mounts, [&](const MountRequest& mount) {
        if (mount.type == MountType::Bind) return can_map_bind(mount, namespace_fd, host_mounts);
        // A volume with options is a file system of its own, or a folder of the host.
        return mount.driver_options.empty();
    });
}

}  // namespace berth::container
