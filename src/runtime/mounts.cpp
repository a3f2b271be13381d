#include "runtime/mounts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/path.h"
#include "base/text.h"
#include "runtime/in_root.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

// /dev/null of the host serves as the mask of files, read-only. It is ours, and still it is looked
// at: a wrong node there would be handed to every container.
Result<sys::Fd> open_null() {
    sys::Fd fd = TRY(sys::open("/dev/null", O_RDWR));
    const struct stat status = TRY(sys::fstat(fd));
    if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
        return fail(ErrorCode::PermissionDenied, "/dev/null of the host is not the null device");
    return fd;
}

}  // namespace

Result<Mounted> attach_root(Preparation& preparation) {
    Mounted mounted;
    mounted.null = TRY(open_null());
    if (preparation.shares_mounts) {
        TRY(sys::set_attributes(preparation.root.fd(),
                                {.propagation = MS_PRIVATE, .recursive = true}));
        // Opened here: a mount can be attached only to what the own mount namespace shows, and this
        // one may be joined.
        const sys::Fd place =
            TRY(sys::open(preparation.root_path, O_PATH | O_DIRECTORY).context("root file system"));
        TRY(preparation.root.attach(place).context("attach the root"));
    } else {
        TRY(sys::set_attributes_at("/", {.propagation = MS_SLAVE, .recursive = true}));
        TRY(preparation.root.attach_at("/").context("attach the root"));
    }
    mounted.root = std::move(preparation.root).release();
    return mounted;
}

namespace {

// A name inside procfs that a bind mount may cover: files that tools such as lxcfs present.
// Covering anything else would let an image or a volume stand in for files that are written to for
// protection. (CVE-2019-16884 and its successors.)
constexpr std::string_view proc_files_to_cover[] = {"/proc/cpuinfo",
                                                    "/proc/diskstats",
                                                    "/proc/meminfo",
                                                    "/proc/stat",
                                                    "/proc/swaps",
                                                    "/proc/uptime",
                                                    "/proc/loadavg",
                                                    "/proc/slabinfo",
                                                    "/proc/net/dev",
                                                    "/proc/sys/kernel/ns_last_pid",
                                                    "/proc/sys/crypto/fips_enabled"};

bool is_procfs(sys::BorrowedFd fd) {
    struct statfs file_system;
    return ::fstatfs(fd.get(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC;
}

Result<> refuse_covering_proc(sys::BorrowedFd target, const std::string& destination) {
    if (!is_procfs(target)) return {};
    const std::string clean = clean_absolute_path(destination);
    for (const auto& name : proc_files_to_cover) {
        if (name == clean) return {};
    }
    return fail(ErrorCode::PermissionDenied, destination,
                " is inside /proc and cannot be mounted over");
}

bool is_kernel_view(const std::string& type) { return type == "proc" || type == "sysfs"; }

// Where a mount goes. procfs and sysfs are trusted by later steps, so they go where they were told
// or nowhere: no link on the way.
Result<sys::Fd> open_target(const PreparedMount& prepared, sys::BorrowedFd root) {
    const std::string& destination = prepared.mount->destination;
    if (is_kernel_view(prepared.mount->type)) {
        const std::string clean = clean_absolute_path(destination);
        auto found = sys::open_beneath(root, clean.substr(1), O_PATH | O_DIRECTORY);
        if (found || found.error().error_number() != ENOENT)
            return std::move(found).context(prepared.mount->type,
                                            " must be mounted on an ordinary directory");
        return ensure_directory(root, destination);
    }
    sys::Fd target = TRY(prepared.source_is_directory ? ensure_directory(root, destination)
                                                      : ensure_file(root, destination));
    if (prepared.options.bind) TRY(refuse_covering_proc(target, destination));
    return target;
}

Result<> apply_attributes(sys::BorrowedFd mount, const MountOptions& options) {
    if (options.set || options.clear)
        TRY(sys::set_attributes(mount, {.set = options.set, .clear = options.clear}));
    if (options.recursive_set || options.recursive_clear)
        TRY(sys::set_attributes(
            mount,
            {.set = options.recursive_set, .clear = options.recursive_clear, .recursive = true}));
    return {};
}

Result<> apply_propagation(sys::BorrowedFd mount, const MountOptions& options) {
    if (!options.propagation) return {};
    return sys::set_attributes(
        mount, {.propagation = options.propagation, .recursive = options.recursive_propagation});
}

Result<> make_bind(PreparedMount& prepared, Mounted& mounted) {
    const sys::Fd target = TRY(open_target(prepared, mounted.root));
    TRY(apply_attributes(prepared.tree.fd(), prepared.options));
    // Sharing has to be asked for again on a tree that is a peer already; all else narrows it.
    TRY(apply_propagation(prepared.tree.fd(), prepared.options));
    TRY(prepared.tree.attach(target));
    const std::string destination = clean_absolute_path(prepared.mount->destination);
    if (destination == "/dev") mounted.dev_is_bound = true;
    // The host's procfs shown to a container that shares its pid namespace serves as well as one of
    // its own.
    if (destination == "/proc" && is_procfs(prepared.tree.fd()))
        mounted.proc = std::move(prepared.tree).release();
    prepared.tree = {};
    return {};
}

// overlay's lowerdir exceeds the 256 bytes of a mount option quickly, so it goes layer by layer.
std::vector<sys::MountOption> data_of(const PreparedMount& prepared) {
    std::vector<sys::MountOption> data;
    if (!prepared.mount->source.empty() && prepared.mount->type != "cgroup2")
        data.push_back({.key = "source", .value = prepared.mount->source});
    for (const auto& option : prepared.options.data) {
        if (prepared.mount->type == "overlay" && option.key == "lowerdir") {
            for (const auto& layer : split(option.value, ':'))
                data.push_back({.key = "lowerdir+", .value = layer});
        } else {
            data.push_back(option);
        }
    }
    return data;
}

std::string octal(unsigned value) {
    std::string text;
    do text.insert(text.begin(), static_cast<char>('0' + (value & 7)));
    while (value >>= 3);
    return text;
}

// What a step attaches, and what it does first with the new file system.
Result<> attach_new(const PreparedMount& prepared, sys::DetachedMount mount, sys::BorrowedFd target,
                    Mounted& mounted) {
    TRY(apply_propagation(mount.fd(), prepared.options));
    TRY(mount.attach(target));
    sys::Fd fd = std::move(mount).release();
    const std::string destination = clean_absolute_path(prepared.mount->destination);
    const std::string& type = prepared.mount->type;
    const bool is_late = type == "tmpfs" && prepared.options.is_read_only();
    if (is_late) mounted.late_read_only.push_back(TRY(sys::duplicate(fd)));
    if (destination == "/dev") mounted.dev = TRY(sys::duplicate(fd));
    if (type == "devpts") {
        mounted.devpts = std::move(fd);
    } else if (type == "proc" && destination == "/proc") {
        mounted.proc = std::move(fd);
    }
    return {};
}

Result<> make_new(PreparedMount& prepared, Mounted& mounted) {
    const std::string& type = prepared.mount->type;
    const sys::Fd target = TRY(open_target(prepared, mounted.root));
    auto data = data_of(prepared);
    const bool is_tmpfs = type == "tmpfs";
    if (is_tmpfs && !prepared.options.find_data("mode")) {
        const struct stat status = TRY(sys::fstat(target));
        data.push_back({.key = "mode", .value = octal(status.st_mode & 07777)});
    }
    // A tmpfs is filled before it becomes read-only.
    const std::uint64_t attributes =
        prepared.options.set & ~(is_tmpfs ? std::uint64_t(MOUNT_ATTR_RDONLY) : 0);
    auto made = sys::make_mount(type, data, attributes);
    if (made.is_error() && made.error().is(ErrorCode::PermissionDenied) && prepared.tree)
        return make_bind(prepared, mounted);
    sys::DetachedMount mount = TRY(std::move(made));
    if (prepared.options.copy_up) {
        const sys::Fd from = TRY(
            sys::open_in_root(mounted.root, prepared.mount->destination, O_RDONLY | O_DIRECTORY));
        TRY(copy_tree(from, mount.fd()).context("copy up"));
    }
    return attach_new(prepared, std::move(mount), target, mounted);
}

// v1: a tmpfs with one directory for each hierarchy, each showing the container's own cgroup.
Result<> make_cgroup_v1(PreparedMount& prepared, Preparation& preparation, Mounted& mounted) {
    const sys::Fd target = TRY(open_target(prepared, mounted.root));
    const std::uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    const sys::DetachedMount base = TRY(sys::make_mount(
        "tmpfs", {{.key = "source", .value = "tmpfs"}, {.key = "mode", .value = "755"}}, safe));
    TRY(base.attach(target));
    std::uint64_t attributes = safe | MOUNT_ATTR_RELATIME;
    if (prepared.options.is_read_only()) attributes |= MOUNT_ATTR_RDONLY;
    for (auto& entry : preparation.cgroup_trees) {
        TRY(sys::mkdir_at(base.fd(), entry.name, 0755));
        const sys::Fd place =
            TRY(sys::openat(base.fd(), entry.name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
        TRY(sys::set_attributes(entry.tree.fd(), {.set = attributes, .propagation = MS_PRIVATE}));
        TRY(entry.tree.attach(place));
        entry.tree = {};
        for (const auto& alias : entry.aliases) TRY(sys::symlink_at(entry.name, base.fd(), alias));
    }
    if (prepared.options.is_read_only())
        TRY(sys::set_attributes(base.fd(), {.set = MOUNT_ATTR_RDONLY}));
    return {};
}

Result<> make_cgroup(PreparedMount& prepared, Preparation& preparation, Mounted& mounted) {
    if (!preparation.cgroup_trees.empty()) return make_cgroup_v1(prepared, preparation, mounted);
    if (!preparation.cgroup_v2) return {};
    const sys::Fd target = TRY(open_target(prepared, mounted.root));
    const sys::DetachedMount mount = TRY(sys::make_mount("cgroup2", {}, prepared.options.set));
    return mount.attach(target);
}

Result<> make_one(PreparedMount& prepared, Preparation& preparation, Mounted& mounted) {
    if (prepared.options.bind) {
        if (!prepared.tree) TRY(prepare_bind(prepared, preparation));
        return make_bind(prepared, mounted);
    }
    const std::string& type = prepared.mount->type;
    if (type == "cgroup" || type == "cgroup2") return make_cgroup(prepared, preparation, mounted);
    return make_new(prepared, mounted);
}

}  // namespace

Result<> make_mounts(Preparation& preparation, Mounted& mounted) {
    for (auto& prepared : preparation.mounts) {
        TRY(make_one(prepared, preparation, mounted)
                .context(
                    "mount ",
                    prepared.mount->source.empty() ? prepared.mount->type : prepared.mount->source,
                    " at ", prepared.mount->destination));
    }
    // Later steps write to the kernel through procfs; without one in the specification they get a
    // private one.
    if (!mounted.proc) {
        auto own = sys::make_mount("proc", {});
        if (own) mounted.proc = std::move(*own).release();
    }
    if (!mounted.dev && !mounted.dev_is_bound)
        mounted.dev = TRY(ensure_directory(mounted.root, "/dev"));
    return {};
}

Result<> enter_root(const Preparation& preparation, const Mounted& mounted) {
    if (!preparation.options.no_pivot && !preparation.shares_mounts)
        return sys::pivot_to(mounted.root);
    if (::fchdir(mounted.root.get()) < 0) return Error::from_errno("fchdir", errno);
    if (::chroot(".") < 0) return Error::from_errno("chroot", errno);
    if (::chdir("/") < 0) return Error::from_errno("chdir", errno);
    return {};
}

}  // namespace berth::runtime
