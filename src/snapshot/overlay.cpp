#include "snapshot/overlay.h"

#include <sys/stat.h>

#include "sys/capability.h"
#include "sys/file.h"

namespace berth::snapshot {
namespace {

constexpr std::uint64_t mount_id_map = 0x0010'0000;  // MOUNT_ATTR_IDMAP
constexpr std::uint64_t mount_read_only =
    1;  // MOUNT_ATTR_RDONLY; <linux/mount.h> clashes with <sys/mount.h>

sys::MountOption directory_option(const std::string& key, sys::BorrowedFd fd, bool by_descriptor) {
    if (by_descriptor) return {.key = key, .value = {}, .fd = fd.get()};
    // Linux before 6.13 takes paths only. This one is short (fsconfig(2) allows 255 bytes) and
    // needs no mount point.
    return {.key = key, .value = concat("/proc/self/fd/", fd.get())};
}

// A copy of the mount from there down, with other owners. mount_setattr(2), MOUNT_ATTR_IDMAP.
Result<sys::DetachedMount> with_owners(sys::BorrowedFd tree, int owners) {
    sys::DetachedMount mount = TRY(sys::clone_tree(tree));
    TRY(sys::set_attributes(mount.fd(), {.set = mount_id_map, .user_namespace = owners})
            .context("map owners"));
    return mount;
}

// Copies of mounts with other owners, which are there until the overlay has its own.
struct Mapped {
    std::vector<sys::DetachedMount> mounts;
    std::vector<MountPlace::Point> points;

    Result<sys::BorrowedFd> add(sys::BorrowedFd tree, int owners, MountPlace* place) {
        mounts.push_back(TRY(with_owners(tree, owners)));
        if (place) points.push_back(TRY(place->attach(mounts.back())));
        return mounts.back().fd();
    }
};

struct OpenWritable {
    sys::Fd upper, work;
};

Result<OpenWritable> open_writable(const Writable& writable, Mapped& mapped, MountPlace* place) {
    OpenWritable out;
    if (writable.owners < 0) {
        out.upper = TRY(sys::open(writable.upper, O_PATH | O_DIRECTORY).context(writable.upper));
        out.work = TRY(sys::open(writable.work, O_PATH | O_DIRECTORY).context(writable.work));
        return out;
    }
    const auto name_of = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
    const std::string parent = writable.upper.substr(0, writable.upper.rfind('/'));
    const sys::Fd directory = TRY(sys::open(parent, O_PATH | O_DIRECTORY).context(parent));
    // Both directories have to lie on one mount.
    const sys::BorrowedFd both = TRY(mapped.add(directory, writable.owners, place));
    out.upper = TRY(sys::openat(both, name_of(writable.upper), O_PATH | O_DIRECTORY | O_NOFOLLOW));
    out.work = TRY(sys::openat(both, name_of(writable.work), O_PATH | O_DIRECTORY | O_NOFOLLOW));
    return out;
}

// The same for mount(2), which knows "lowerdir" only: all layers in one text of at most 4095 bytes,
// topmost first.
std::string options_text(const std::vector<sys::BorrowedFd>& lower, const sys::Fd& upper,
                         const sys::Fd& work, bool is_volatile) {
    std::string layers;
    for (auto layer = lower.rbegin(); layer != lower.rend(); ++layer)
        layers += concat(layers.empty() ? "" : ":", "/proc/self/fd/", layer->get());
    std::string text = concat("lowerdir=", layers, ",redirect_dir=nofollow,metacopy=off,index=off");
    if (upper)
        text +=
            concat(",upperdir=/proc/self/fd/", upper.get(), ",workdir=/proc/self/fd/", work.get());
    if (is_volatile) text += ",volatile";
    return text;
}

// Mounted at a point of the place, and copied from there.
Result<sys::DetachedMount> mount_by_paths(MountPlace& place, const std::string& options,
                                          bool is_read_only) {
    constexpr std::size_t max_options_bytes = 4095;
    if (options.size() > max_options_bytes)
        return fail(ErrorCode::Unsupported, "the image has more layers than this kernel stacks")
            .with_hint("Linux 6.15 stacks 500");
    const auto point = TRY(place.make_point());
    TRY(sys::mount_at(point.path(), "overlay", options, is_read_only));
    return sys::clone_tree(point.path());
}

}  // namespace

Result<sys::DetachedMount> mount_overlay(const std::vector<sys::BorrowedFd>& lower,
                                         const std::optional<Writable>& writable, bool is_volatile,
                                         MountPlace* place, int layer_owners) {
    BERTH_ASSERT(!lower.empty());
    if (!writable && lower.size() == 1) {
        auto mount = layer_owners < 0 ? TRY(sys::clone_tree(lower.front()))
                                      : TRY(with_owners(lower.front(), layer_owners));
        TRY(sys::set_attributes(mount.fd(), {.set = mount_read_only}));
        return mount;
    }
    Mapped mapped;
    OpenWritable open;
    std::optional<sys::Without> limited;
    if (writable && writable->is_limited)
        limited.emplace(TRY(sys::Without::begin(*sys::parse_capability("CAP_SYS_RESOURCE"))));
    if (writable) {
        open = TRY(open_writable(*writable, mapped, place));
        // The kernel's mark that a volatile root was in use. Such roots are thrown away after a
        // crash, so that finding the mark means a clean unmount here.
        if (is_volatile) TRY(sys::remove_tree_at(open.work, "work/incompat"));
    }
    std::vector<sys::BorrowedFd> layers = lower;
    for (auto& layer : layers) {
        if (layer_owners >= 0) layer = TRY(mapped.add(layer, layer_owners, place));
    }
    if (place)
        return mount_by_paths(*place,
                              options_text(layers, open.upper, open.work, is_volatile && writable),
                              !writable);
    const auto mount = [&](bool by_descriptor) {
        std::vector<sys::MountOption> options = {{.key = "source", .value = "berth"}};
        for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
            options.push_back(directory_option("lowerdir+", *layer, by_descriptor));
        }
        if (writable) {
            options.push_back(directory_option("upperdir", open.upper, by_descriptor));
            options.push_back(directory_option("workdir", open.work, by_descriptor));
            if (is_volatile) options.push_back({.key = "volatile", .value = {}});
        }
        // With these on, a layer captured from the upper directory would miss names and content
        // that it only points to.
        options.push_back({.key = "redirect_dir", .value = "nofollow"});
        options.push_back({.key = "metacopy", .value = "off"});
        options.push_back({.key = "index", .value = "off"});
        return sys::make_mount("overlay", options, writable ? 0 : mount_read_only);
    };
    auto root = mount(true);
    if (root.is_error() && root.error().is(ErrorCode::InvalidArgument)) root = mount(false);
    return root;
}

Result<Writable> make_writable(const std::string& directory,
                               std::optional<sys::BorrowedFd> topmost) {
    Writable writable = {.upper = concat(directory, "/upper"), .work = concat(directory, "/work")};
    TRY(sys::mkdir_all(writable.upper, 0755));
    TRY(sys::mkdir_all(writable.work, 0700));
    const sys::Fd upper = TRY(sys::open(writable.upper, O_RDONLY | O_DIRECTORY));
    mode_t mode = 0755;
    if (topmost) {
        const struct stat status = TRY(sys::fstat(*topmost));
        mode = status.st_mode & 07777;
        TRY(sys::fchown(upper, status.st_uid, status.st_gid));
    }
    TRY(sys::fchmod(upper, mode));
    return writable;
}

}  // namespace berth::snapshot
