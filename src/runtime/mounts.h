#pragma once
#include <string>
#include <vector>

#include "runtime/preparation_internal.h"
#include "sys/mount.h"

// The child's side of mounting: everything between "I am in my own mount namespace" and "the root
// is mine".
namespace berth::runtime {

/// What later steps need of the mounts that were made.
struct Mounted {
    sys::Fd root;  ///< the container's root, attached
    sys::Fd
        proc;     ///< the procfs of the container's pid namespace; verified, since it was made here
    sys::Fd dev;  ///< the directory /dev
    sys::Fd devpts;             ///< empty when the specification mounts none
    sys::Fd null;               ///< the host's /dev/null, verified, opened for reading and writing
    bool dev_is_bound = false;  ///< /dev comes from the host: nothing is made in it
    /// Mounts that become read-only only when everything in them has been made.
    std::vector<sys::Fd> late_read_only;
};

/// Cuts the mount namespace off from the host's and attaches the root.
Result<Mounted> attach_root(Preparation& preparation);
/// Makes the specification's mounts in their order.
Result<> make_mounts(Preparation& preparation, Mounted& mounted);
/// linux.rootfsPropagation. After enter_root(): pivot_root(2) refuses a shared root.
Result<> set_root_propagation(const Preparation& preparation, const Mounted& mounted);
/// Read-only paths, masked paths, the root's own read-only flag.
Result<> protect_paths(const Preparation& preparation, Mounted& mounted);
/// pivot_root, or chroot.
Result<> enter_root(const Preparation& preparation, const Mounted& mounted);

}  // namespace berth::runtime
