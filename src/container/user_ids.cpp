#include <fcntl.h>
#include <sys/mount.h>

#include <set>

#include "base/log.h"
#include "base/random.h"
#include "container/implementation_internal.h"
#include "container/user_namespace.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "volume/store.h"

// Containers in a user namespace of their own (--userns auto). Each gets 65,536 ids of the host
// that no other container of any engine has (id_blocks.h). The layers and the volumes keep their
// ids on the disk and are mounted with a map, so that nothing is copied or changed. The writable
// layer holds the host's ids, because overlayfs works in it as the engine's user, who has no place
// in the map; whoever reads it for the engine (commit, diff, cp) sees it through the reverse map.
namespace berth::container {
namespace {

// A range of the block that nobody has. Goes round, so that a range that became free rests for a
// while.
std::optional<std::uint32_t> free_range(const Blocks& blocks, const std::set<std::uint32_t>& taken,
                                        std::uint32_t last) {
    std::optional<std::uint32_t> lowest;
    for (const std::uint32_t block : blocks) {
        for (std::uint32_t i = 0; i < ranges_per_block; ++i) {
            const std::uint32_t first = (block * ranges_per_block + i) * ids_per_range;
            if (taken.contains(first)) continue;
            if (first > last) return first;
            if (!lowest) lowest = first;
        }
    }
    return lowest;
}

Blocks blocks_of(const std::set<std::uint32_t>& ranges) {
    Blocks out;
    for (const std::uint32_t first : ranges) out.insert(block_of(first));
    return out;
}

}  // namespace

std::vector<oci::RuntimeIdMapping> own_ids_map(const UserIds& ids) {
    return {{.container_id = 0, .host_id = ids.first, .size = ids.count}};
}

Result<sys::Fd> make_owners(const UserIds& ids, bool reverse) {
    std::vector<sys::IdMapping> map{{.inside = 0, .outside = ids.first, .size = ids.count}};
    // The folders around the writable layer are the engine's: with an owner outside the map not
    // even root may pass by them.
    if (reverse)
        map = {{.inside = ids.first, .outside = 0, .size = ids.count},
               {.inside = 0, .outside = ids.count, .size = 1}};
    return sys::make_user_namespace({.uids = map, .gids = map});
}

std::set<std::uint32_t> Containers::Implementation::user_ranges() const {
    std::set<std::uint32_t> out;
    for (const ContainerPtr& container : all()) {
        if (const auto& ids = container->spec()->user_ids) out.insert(ids->first);
    }
    return out;
}

// An engine that cannot enter what its containers have goes on: it only makes no more of them, and
// says why then.
void Containers::Implementation::claim_user_ranges() {
    const auto ranges = user_ranges();
    if (ranges.empty()) return;
    if (auto own = id_blocks_.claim_used(blocks_of(ranges))) {
        user_ranges_.lock()->blocks = std::move(*own);
    } else {
        log.warn(
            "ids of containers with user namespaces are not entered in this host's record, "
            "continuing",
            {{"error", own.error().message()}});
    }
}

Result<Containers::Implementation::ReservedIds> Containers::Implementation::choose_user_ids() {
    for (;;) {
        std::set<std::uint32_t> taken;
        {
            auto ranges = user_ranges_.lock();
            // Those that are being created first, and then those that are: what ends to be the one
            // is the other by then.
            taken = ranges->reserved;
            taken.merge(user_ranges());
            if (const auto first = free_range(ranges->blocks, taken, ranges->last)) {
                ranges->last = *first;
                ranges->reserved.insert(*first);
                return ReservedIds(*this, UserIds{.first = *first, .count = ids_per_range});
            }
        }
        Blocks more = TRY(id_blocks_.claim_used(blocks_of(taken)));
        const auto has_free = [&](const Blocks& blocks) {
            return free_range(blocks, taken, 0).has_value();
        };
        if (!has_free(more)) more.insert(TRY(id_blocks_.claim_new(blocks_of(taken))));
        user_ranges_.lock()->blocks.merge(more);
    }
}

bool Containers::Implementation::has_default_user_namespace(
    const ContainerSpec& spec, const std::vector<MountRequest>& mounts) {
    const std::string& mode = settings_.default_userns_mode;
    const bool is_wanted = mode == "auto" || (mode.empty() && spec.host.berth_defaults);
    if (!is_wanted || !suits_user_namespace(spec)) return false;
    // What could not be done before is tried again only for those who ask for it.
    if (owner_maps_.lock()->failed) return false;
    if (auto checked = check_owner_maps(); checked.is_error()) {
        log.warn("containers get no user namespaces of their own",
                 {{"error", checked.error().message()}});
        return false;
    }
    bool binds = false;
    for (const MountRequest& mount : mounts) {
        binds = binds || mount.type == MountType::Bind;
        if (mount.type != MountType::Volume) continue;
        const auto volume = services_.volumes.find(mount.source);
        if (volume && !volume->options.empty()) return false;
    }
    std::vector<sys::MountEntry> host_mounts;
    if (binds) {
        auto listed = sys::list_mounts();
        if (!listed) return false;
        host_mounts = std::move(*listed);
    }
    return can_map_mounts(mounts, owner_maps_.lock()->sample, host_mounts);
}

// Tried with all that is needed later: the layers' map for running, the writable layer's for
// whoever reads it.
Result<> Containers::Implementation::check_owner_maps() {
    auto state = owner_maps_.lock();
    if (state->sample) return {};
    const auto attempt = [&](const std::string& directory) -> Result<> {
        TRY(sys::mkdir_all(directory, 0700));
        const UserIds ids{.first = first_block * ranges_per_block * ids_per_range,
                          .count = ids_per_range};
        sys::Fd owners = TRY(make_owners(ids, false));
        const sys::Fd reverse = TRY(make_owners(ids, true));
        snapshot::Writable writable =
            TRY(services_.snapshots.create_writable(directory, {base_layer_}));
        TRY(services_.snapshots.mount_root(
            {.layers = {base_layer_}, .writable = writable, .layer_owners = owners.get()}));
        writable.owners = reverse.get();
        TRY(services_.snapshots.mount_root({.layers = {base_layer_}, .writable = writable}));
        state->sample = std::move(owners);
        return {};
    };
    const std::string directory = concat(settings_.root, "/containers/probe-", random_hex(8));
    auto tried = attempt(directory);
    sys::remove_tree(directory).ignore("swept at the next start");
    state->failed = tried.is_error();
    if (tried.is_error()) {
        return std::move(tried)
            .error()
            .with_code(ErrorCode::Unsupported)
            .with_context(
                "user namespaces are not for this engine: its layers cannot be shown with other "
                "owners")
            .with_hint(concat("Linux 5.19 can, with a data root on ext4, xfs or btrfs (now ",
                              settings_.root, "); or leave --userns auto out"));
    }
    return {};
}

Result<sys::DetachedMount> Containers::Implementation::mount_root_for_files(
    Container& container, const ContainerSpec& spec) {
    if (!spec.user_ids) return mount_root(container, spec);
    const sys::Fd owners = TRY(make_owners(*spec.user_ids, true));
    return services_.snapshots.mount_root(
        {.layers = container.layers,
         .writable = snapshot::Writable{.upper = container.directory + "/upper",
                                        .work = container.directory + "/work",
                                        .owners = owners.get(),
                                        .is_limited = !spec.host.storage_options.empty()},
         .is_volatile = spec.host.auto_remove});
}

Result<sys::Fd> Containers::Implementation::open_upper(const Container& container,
                                                       const ContainerSpec& spec) const {
    const std::string path = container.directory + "/upper";
    if (!spec.user_ids) return sys::open(path, O_RDONLY | O_DIRECTORY);
    const sys::Fd owners = TRY(make_owners(*spec.user_ids, true));
    const sys::DetachedMount mount = TRY(sys::clone_tree(path));
    TRY(sys::set_attributes(mount.fd(), {.set = MOUNT_ATTR_IDMAP, .user_namespace = owners.get()})
            .context("map owners of ", path));
    return sys::reopen(mount.fd(), O_RDONLY | O_DIRECTORY);
}

}  // namespace berth::container
