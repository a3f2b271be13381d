#pragma once
#include <sched.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// unshare(2) with CLONE_NEW* flags. Only for single-threaded processes.
Result<> unshare(std::uint64_t flags);
/// setns(2); `flags` says which kinds are wanted (a pidfd may enter several at once), 0 takes what
/// the fd is.
Result<> enter_namespace(BorrowedFd fd, std::uint64_t flags = 0);
/// A handle of a namespace by path, such as "/proc/self/ns/net". Refuses anything that is no
/// namespace file.
Result<Fd> open_namespace(const std::string& path);
/// The same for a process: `kind` is "mnt", "pid", "net", "ipc", "uts", "user", "cgroup" or "time".
Result<Fd> open_namespace(pid_t pid, std::string_view kind);
/// CLONE_NEW* for a name as above; 0 when unknown.
std::uint64_t namespace_flag(std::string_view kind);

/// A new network namespace with its loopback up. The caller's own namespace is the same before and
/// after.
Result<Fd> make_network_namespace();
/// Brings `lo` up in the current network namespace. netdevice(7).
Result<> bring_loopback_up();

/// One line of a uid_map or gid_map. user_namespaces(7).
struct IdMapping {
    std::uint32_t inside = 0;
    std::uint32_t outside = 0;
    std::uint32_t size = 0;
};
struct IdMaps {
    std::vector<IdMapping> uids;
    std::vector<IdMapping> gids;
    bool deny_setgroups = false;
};
/// Writes the maps of `pid`'s user namespace; once per namespace.
Result<> write_id_maps(pid_t pid, const IdMaps& maps);
/// A user namespace with these maps, for MOUNT_ATTR_IDMAP.
Result<Fd> make_user_namespace(const IdMaps& maps);

struct UserAndNetwork {
    Fd user;
    Fd network;  ///< belongs to `user`; its loopback is down
};
Result<UserAndNetwork> make_user_and_network_namespace(const IdMaps& maps);

}  // namespace berth::sys
