#include <sys/mount.h>

#include "container/implementation_internal.h"
#include "image/store.h"
#include "sys/file.h"

// Mounts that the engine makes for one container in its own mount namespace, below the container's
// directory: there the shim finds them at every start.
namespace berth::container {

std::string Containers::Implementation::image_mount_path(const Container& container,
                                                         std::size_t index) const {
    return concat(container.directory, "/images/", index);
}

// Attached in the engine's own mount namespace, where the shim finds it at every start.
Result<oci::RuntimeMount> Containers::Implementation::plan_image_mount(Container& container,
                                                                       const MountRequest& mount,
                                                                       std::size_t index) {
    const auto spec = container.spec();
    sys::Fd owners;
    if (spec->user_ids) owners = TRY(make_owners(*spec->user_ids, false));
    const std::string place = image_mount_path(container, index);
    const image::Image image =
        TRY(services_.images.resolve(mount.image_id.empty() ? mount.source : mount.image_id, {}));
    const sys::DetachedMount root = TRY(services_.snapshots.mount_root(
        {.layers = image.diff_ids(), .layer_owners = owners ? owners.get() : -1}));
    sys::unmount(place, MNT_DETACH | UMOUNT_NOFOLLOW).ignore("not mounted, as a rule");
    TRY(sys::mkdir_all(place, 0700));
    if (mount.subpath.empty()) {
        TRY(root.attach_at(place));
    } else {
        const auto bindable = TRY(services_.snapshots.make_bindable(root));
        const sys::Fd sub =
            TRY(sys::open_in_root(root.fd(), mount.subpath, O_PATH | O_DIRECTORY)
                    .context("cannot access path ", mount.subpath, " of image ", mount.source));
        const sys::DetachedMount tree = TRY(sys::clone_tree(sub));
        TRY(tree.attach_at(place));
    }
    return oci::RuntimeMount{mount.target, "bind", place, {"bind", "rprivate", "ro"}, {}, {}};
}

// The shared memory of a container whose IPC namespace others may join: a mount inside of it could
// not be had from outside.
std::string Containers::Implementation::shared_memory_path(const Container& container) const {
    return container.directory + "/shm";
}

Result<std::string> Containers::Implementation::make_shared_memory(Container& container,
                                                                   const ContainerSpec& spec) {
    std::string place = shared_memory_path(container);
    const std::int64_t bytes =
        spec.host.shm_size > 0 ? spec.host.shm_size : settings_.default_shm_size;
    sys::unmount(place, MNT_DETACH | UMOUNT_NOFOLLOW).ignore("not mounted, as a rule");
    TRY(sys::mkdir_all(place, 0700));
    const sys::DetachedMount memory =
        TRY(sys::make_mount("tmpfs",
                            {{.key = "source", .value = "shm"},
                             {.key = "mode", .value = "1777"},
                             {.key = "size", .value = std::to_string(bytes)}},
                            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV));
    TRY(memory.attach_at(place));
    return place;
}

void Containers::Implementation::unmount_private(Container& container) {
    const bool shares_memory = container.spec()->host.ipc_mode == "shareable";
    if (shares_memory)
        sys::unmount(shared_memory_path(container), MNT_DETACH | UMOUNT_NOFOLLOW)
            .ignore("it was not mounted");
    for (std::size_t i = 0; i < container.mounts.size(); ++i) {
        if (container.mounts[i].type == MountType::Image)
            sys::unmount(image_mount_path(container, i), MNT_DETACH | UMOUNT_NOFOLLOW)
                .ignore("it was not mounted");
    }
}

}  // namespace berth::container
