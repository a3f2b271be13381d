#include <fcntl.h>
#include <sys/mount.h>

#include <set>

#include "base/random.h"
#include "container/implementation_internal.h"
#include "sys/file.h"
#include "sys/namespace.h"

// Containers in a user namespace of their own (--userns auto). Each gets 65,536 ids of the host that no other container has. The
// layers and the volumes keep their ids on the disk and are mounted with a map, so that nothing is copied or changed. The writable
// layer holds the host's ids, because overlayfs works in it as the engine's user, who has no place in the map; whoever reads it
// for the engine (commit, diff, cp) sees it through the reverse map.
namespace berth::container {
namespace {

constexpr std::uint32_t ids_per_container = 65'536;
// Above what distributions and directory services hand out, below 2^32 - 1.
constexpr std::uint32_t first_range = 0x8000'0000u / ids_per_container;
constexpr std::uint32_t ranges = 0x7000'0000u / ids_per_container;

}  // namespace

std::vector<oci::RuntimeIdMapping> own_ids_map(const UserIds& ids) { return {{.container_id = 0, .host_id = ids.first, .size = ids.count}}; }

Result<sys::Fd> make_owners(const UserIds& ids, bool reverse) {
    std::vector<sys::IdMapping> map{{.inside = 0, .outside = ids.first, .size = ids.count}};
    // The folders around the writable layer are the engine's: with an owner outside the map not even root may pass by them.
    if (reverse) map = {{.inside = ids.first, .outside = 0, .size = ids.count}, {.inside = 0, .outside = ids.count, .size = 1}};
    return sys::make_user_namespace({.uids = map, .gids = map});
}

Result<UserIds> Containers::Implementation::choose_user_ids() {
    std::set<std::uint32_t> taken;
    for (const ContainerPtr& container : all()) {
        if (const auto& ids = container->spec()->user_ids) taken.insert(ids->first);
    }
    // Goes round, so that two that are being created at a time get different ones.
    auto last = last_user_range_.lock();
    for (std::uint32_t i = 0; i < ranges; ++i) {
        *last = (*last + 1) % ranges;
        const std::uint32_t first = (first_range + *last) * ids_per_container;
        if (!taken.contains(first)) return UserIds{.first = first, .count = ids_per_container};
    }
    return fail(ErrorCode::Unavailable, "all ", ranges, " ranges of ids are taken by containers").with_hint("remove some, or use --userns host");
}

// Tried with all that is needed later: the layers' map for running, the writable layer's for whoever reads it.
Result<> Containers::Implementation::check_owner_maps() {
    if (maps_owners_) return {};
    const auto attempt = [&](const std::string& directory) -> Result<> {
        TRY(sys::mkdir_all(directory, 0700));
        const UserIds ids{.first = first_range * ids_per_container, .count = ids_per_container};
        const sys::Fd owners = TRY(make_owners(ids, false)), reverse = TRY(make_owners(ids, true));
        snapshot::Writable writable = TRY(services_.snapshots.create_writable(directory, {base_layer_}));
        TRY(services_.snapshots.mount_root({.layers = {base_layer_}, .writable = writable, .layer_owners = owners.get()}));
        writable.owners = reverse.get();
        TRY(services_.snapshots.mount_root({.layers = {base_layer_}, .writable = writable}));
        return {};
    };
    const std::string directory = concat(settings_.root, "/containers/probe-", random_hex(8));
    auto tried = attempt(directory);
    sys::remove_tree(directory).ignore("swept at the next start");
    if (tried.is_error()) {
        return std::move(tried).error().with_code(ErrorCode::Unsupported)
            .with_context("user namespaces are not for this engine: its layers cannot be shown with other owners")
            .with_hint(concat("Linux 5.19 can, with a data root on ext4, xfs or btrfs (now ", settings_.root, "); or leave --userns auto out"));
    }
    maps_owners_ = true;
    return {};
}

Result<sys::DetachedMount> Containers::Implementation::mount_root_for_files(Container& container, const ContainerSpec& spec) {
    if (!spec.user_ids) return mount_root(container, spec);
    const sys::Fd owners = TRY(make_owners(*spec.user_ids, true));
    return services_.snapshots.mount_root({.layers = container.layers,
                                           .writable = snapshot::Writable{.upper = container.directory + "/upper",
                                                                          .work = container.directory + "/work",
                                                                          .owners = owners.get()},
                                           .is_volatile = spec.host.auto_remove});
}

Result<sys::Fd> Containers::Implementation::open_upper(const Container& container, const ContainerSpec& spec) const {
    const std::string path = container.directory + "/upper";
    if (!spec.user_ids) return sys::open(path, O_RDONLY | O_DIRECTORY);
    const sys::Fd owners = TRY(make_owners(*spec.user_ids, true));
    const sys::DetachedMount mount = TRY(sys::clone_tree(path));
    TRY(sys::set_attributes(mount.fd(), {.set = MOUNT_ATTR_IDMAP, .user_namespace = owners.get()}).context("map owners of ", path));
    return sys::reopen(mount.fd(), O_RDONLY | O_DIRECTORY);
}

}  // namespace berth::container
