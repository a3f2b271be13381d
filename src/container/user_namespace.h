#pragma once
#include "container/spec.h"
#include "container/users.h"
#include "sys/fd.h"
#include "sys/mount.h"

// Which containers can have a user namespace of their own, and whom one suits who did not ask.
namespace berth::container {

/// What `--userns auto` excludes: that which would let its root act on what belongs to the host's,
/// or which the kernel refuses it. InvalidArgument names both.
Result<> check_user_namespace(const HostConfig& host);

/// Whether `--userns auto` as a default suits a container whose image has been applied: false for
/// what shares namespaces, devices or sockets with the host or with another container, asks for
/// rights over the host, or has users that the 65,536 ids do not reach.
bool suits_user_namespace(const ContainerSpec& spec);

/// InvalidArgument for a user or group that the namespace has no place for, with what to do.
Result<> check_user_has_place(const ResolvedUser& user, const std::optional<UserIds>& ids);

/// Whether the container sees the same owners in these mounts through a map as without.
/// `namespace_fd` is any user namespace, to try with; `host_mounts` what is mounted on the host.
bool can_map_mounts(const std::vector<MountRequest>& mounts, sys::BorrowedFd namespace_fd,
                    const std::vector<sys::MountEntry>& host_mounts);

}  // namespace berth::container
