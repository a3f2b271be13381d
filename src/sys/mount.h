#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

// The mount API by descriptors: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2),
// mount_setattr(2). A mount exists first as a detached tree with an owner (DetachedMount), is
// configured, and is attached last, to a descriptor of its target. Dropping the owner before that
// unmounts the tree.

/// A mounted tree that is attached nowhere: visible only through its descriptor, gone when that is
/// closed. After attach() the descriptor still refers to the mount's root, but no longer owns the
/// mount.
class DetachedMount {
public:
    DetachedMount() = default;
    explicit DetachedMount(Fd fd) : fd_(std::move(fd)) {}
    BorrowedFd fd() const { return fd_; }
    explicit operator bool() const { return static_cast<bool>(fd_); }
    Fd release() && { return std::move(fd_); }

    /// Attaches on top of what `target` (O_PATH is enough) refers to.
    Result<> attach(BorrowedFd target) const;
    /// The same at a path, for paths of the host's own.
    Result<> attach_at(const std::string& path) const;

private:
    Fd fd_;
};

/// An option of fsconfig(2): a descriptor when `fd` is one, else a flag when `value` is empty, else
/// key=value.
struct MountOption {
    std::string key;
    std::string value;
    int fd = -1;  ///< FSCONFIG_SET_FD, for overlayfs's layers since Linux 6.13
};

/// A new file system of `type` ("tmpfs", "proc", "overlay", "erofs" ...); `attributes` are
/// MOUNT_ATTR_*. An error carries the kernel's own words when it left any in the context's log.
Result<DetachedMount> make_mount(const std::string& type, const std::vector<MountOption>& options,
                                 std::uint64_t attributes = 0);

struct CloneTreeOptions {
    bool recursive = false;
    bool no_follow = false;  ///< do not follow a symlink at the end of the path
};
/// A copy of the mount tree at a path: what a bind mount is made of.
Result<DetachedMount> clone_tree(const std::string& path, const CloneTreeOptions& options = {});
/// A copy of the mount tree at what `fd` refers to, from there down.
Result<DetachedMount> clone_tree(BorrowedFd fd, const CloneTreeOptions& options = {});
Result<DetachedMount> clone_tree_at(BorrowedFd directory, const std::string& path,
                                    const CloneTreeOptions& options = {});

/// Whether a mount that is attached nowhere can be copied, and be a part of an overlay: since
/// Linux 6.15. Before, such a mount must be attached in the caller's mount namespace first. Asked
/// once, with a file system in memory.
bool can_copy_detached_mounts();

/// mount(2), for options of up to 4095 bytes; fsconfig(2) takes 255 of each.
Result<> mount_at(const std::string& path, const std::string& type, const std::string& options,
                  bool read_only = false);

/// What mount_setattr(2) changes.
struct MountAttributes {
    std::uint64_t set = 0;          ///< MOUNT_ATTR_*
    std::uint64_t clear = 0;        ///< MOUNT_ATTR_*
    std::uint64_t propagation = 0;  ///< 0, MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE
    int user_namespace = -1;        ///< for MOUNT_ATTR_IDMAP
    bool recursive = false;
};
Result<> set_attributes(BorrowedFd mount, const MountAttributes& attributes);
Result<> set_attributes_at(const std::string& path, const MountAttributes& attributes);

/// umount2(2); flags as MNT_DETACH, UMOUNT_NOFOLLOW.
Result<> unmount(const std::string& path, int flags = 0);
/// Makes `new_root` the root of this mount namespace and drops the old one. pivot_root(2).
Result<> pivot_to(BorrowedFd new_root);

/// One line of /proc/<pid>/mountinfo. proc_pid_mountinfo(5).
struct MountEntry {
    std::uint64_t id = 0;
    std::uint64_t parent_id = 0;
    std::string root;
    std::string target;
    std::string options;
    std::string propagation;  ///< the optional fields, such as "shared:3"
    std::string type;
    std::string source;
    std::string super_options;
};
/// `path` is usually "/proc/self/mountinfo".
Result<std::vector<MountEntry>> list_mounts(const std::string& path = "/proc/self/mountinfo");
/// Parses the text of a mountinfo file; lines that do not fit are skipped.
std::vector<MountEntry> parse_mountinfo(std::string_view text);

}  // namespace berth::sys
