#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/mounts.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

// Kernels differ in what /proc and /sys have; what is not there needs no protection.
bool is_absent(const Error& error) {
    return error.error_number() == ENOENT || error.error_number() == ENOTDIR;
}

Result<> make_read_only(sys::BorrowedFd root, const std::string& path) {
    const auto target = sys::open_in_root(root, path, O_PATH);
    if (target.is_error())
        return is_absent(target.error()) ? Result<>() : Result<>(target.error().clone());
    const sys::DetachedMount tree = TRY(sys::clone_tree(*target, {.recursive = true}));
    TRY(sys::set_attributes(tree.fd(), {.set = MOUNT_ATTR_RDONLY, .recursive = true}));
    return tree.attach(*target);
}

// Files are covered with the null device, directories with one empty, read-only tmpfs that all of
// them share.
class Masker {
public:
    Masker(sys::BorrowedFd root, sys::BorrowedFd null) : root_(root), null_(null) {}

    Result<> mask(const std::string& path) {
        const auto target = sys::open_in_root(root_, path, O_PATH);
        if (target.is_error())
            return is_absent(target.error()) ? Result<>() : Result<>(target.error().clone());
        const struct stat status = TRY(sys::fstat(*target));
        if (S_ISDIR(status.st_mode)) return cover_directory(*target);
        // Read-only, else root of the container changes the mode of the host's own node. It can be
        // written to all the same.
        const sys::DetachedMount null = TRY(sys::clone_tree(null_));
        TRY(sys::set_attributes(null.fd(), {.set = MOUNT_ATTR_RDONLY}));
        return null.attach(*target);
    }

private:
    Result<> cover_directory(sys::BorrowedFd target) {
        if (empty_) {
            const sys::DetachedMount again = TRY(sys::clone_tree(empty_));
            return again.attach(target);
        }
        sys::DetachedMount made = TRY(sys::make_mount(
            "tmpfs",
            {{.key = "source", .value = "tmpfs"},
             {.key = "nr_inodes", .value = "1"},
             {.key = "size", .value = "4k"}},
            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
        TRY(made.attach(target));
        empty_ = std::move(made).release();
        return {};
    }
    sys::BorrowedFd root_;
    sys::BorrowedFd null_;
    sys::Fd empty_;
};

}  // namespace

Result<> set_root_propagation(const Preparation& preparation, const Mounted& mounted) {
    const std::string& word = preparation.spec.linux_config.rootfs_propagation;
    if (word.empty()) return {};
    MountOptions options;
    if (!parse_propagation(word, options))
        return fail(ErrorCode::InvalidArgument, "unknown linux.rootfsPropagation ", word);
    return sys::set_attributes(mounted.root, {.propagation = options.propagation,
                                              .recursive = options.recursive_propagation});
}

Result<> protect_paths(const Preparation& preparation, Mounted& mounted) {
    const auto& config = preparation.spec.linux_config;
    for (const auto& path : config.readonly_paths)
        TRY(make_read_only(mounted.root, path).context("make ", path, " read-only"));
    Masker masker(mounted.root, mounted.null);
    for (const auto& path : config.masked_paths) TRY(masker.mask(path).context("mask ", path));
    for (const auto& fd : mounted.late_read_only)
        TRY(sys::set_attributes(fd, {.set = MOUNT_ATTR_RDONLY}));
    if (preparation.spec.root.readonly)
        TRY(sys::set_attributes(mounted.root, {.set = MOUNT_ATTR_RDONLY})
                .context("make the root read-only"));
    return {};
}

}  // namespace berth::runtime
