#pragma once
#include <string>
#include <vector>

#include "runtime/launch.h"
#include "runtime/mount_options.h"
#include "runtime/net_devices.h"
#include "sys/mount.h"
#include "sys/namespace.h"

namespace berth::runtime {

/// A mount of the specification with its options read, and for a bind mount the tree to attach.
struct PreparedMount {
    const oci::RuntimeMount* mount = nullptr;
    MountOptions options;
    sys::DetachedMount tree;
    bool source_is_directory = true;
};

/// A directory of one v1 hierarchy, as the container's /sys/fs/cgroup shows it.
struct PreparedCgroupTree {
    std::string name;
    std::vector<std::string> aliases;  ///< "cpu" and "cpuacct" for "cpu,cpuacct"
    sys::DetachedMount tree;
};

/// A host device that the container gets by bind mount, since it may not make nodes in its user
/// namespace.
struct PreparedDevice {
    std::string path;
    sys::DetachedMount tree;
};

struct NamespaceToJoin {
    std::uint64_t flag = 0;
    sys::Fd fd;
};

/// Everything that the parent opens, with its own rights and in its own namespaces, for the child
/// to use. The child has it by fork: same memory, same descriptors.
struct Preparation {
    const oci::RuntimeSpec& spec;
    const LaunchOptions& options;
    const oci::RuntimeProcess& process;
    std::uint64_t clone_flags = 0;  ///< new namespaces made by clone3; the cgroup one comes later
    /// With a user or time namespace: the other new namespaces, which the child makes itself once
    /// it is root there, so that they belong to it.
    std::uint64_t late_flags = 0;
    bool new_cgroup_namespace = false;
    bool new_user_namespace = false;
    bool new_network_namespace = false;
    /// The mount namespace is the caller's or one that was joined: the root is attached at its own
    /// place and entered by chroot, and nothing else of the namespace is touched.
    bool shares_mounts = false;
    sys::Fd pid_namespace;               ///< to be joined by the parent before it clones
    sys::Fd user_namespace;              ///< to be joined first of all
    std::vector<NamespaceToJoin> joins;  ///< by the child
    sys::IdMaps id_maps;
    sys::DetachedMount root;
    std::string
        root_path;  ///< absolute; with shares_mounts: the directory that the root is attached at
    std::vector<PreparedMount> mounts;
    std::vector<PreparedCgroupTree> cgroup_trees;
    std::vector<PreparedDevice> devices;
    sys::Fd null;  ///< for streams, where a user of the container may own the host's
    std::vector<sys::Fd> cgroup_files;
    sys::Fd cgroup_v2;
    std::vector<MovingNetDevice> net_devices;
    std::vector<std::byte> seccomp;
    unsigned seccomp_flags = 0;
};

/// Checks the specification for what this runtime cannot do, and opens everything.
Result<Preparation> prepare(const oci::RuntimeSpec& spec, const LaunchOptions& options);
/// Clones the source of one bind mount.
Result<> prepare_bind(PreparedMount& prepared, const Preparation& out);
/// The part of it that clones mount trees. prepare() did it already if the caller is root.
Result<> prepare_trees(Preparation& preparation);

}  // namespace berth::runtime
