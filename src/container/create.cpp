#include <unistd.h>

#include <algorithm>

#include "base/random.h"
#include "container/fd_stream_internal.h"
#include "container/image_defaults.h"
#include "container/implementation_internal.h"
#include "container/log_plan.h"
#include "container/mount_plan.h"
#include "container/names.h"
#include "container/own_defaults.h"
#include "container/runtime_plan.h"
#include "container/settings_check.h"
#include "container/storage_limit.h"
#include "content/store.h"
#include "image/store.h"
#include "layer/extract.h"
#include "layer/pack.h"
#include "network/manager.h"
#include "oci/image_config.h"
#include "record/database.h"
#include "sys/file.h"
#include "sys/stream.h"
#include "volume/store.h"

namespace berth::container {
namespace {

constexpr int name_attempts = 20;

std::string host_name() {
    char buffer[256] = {};
    ::gethostname(buffer, sizeof(buffer) - 1);
    return buffer;
}

void set_host_name(ContainerSpec& spec, const std::string& id) {
    const bool uses_host_name = spec.host.network_mode == "host" || spec.host.uts_mode == "host";
    if (spec.hostname.empty()) spec.hostname = uses_host_name ? host_name() : id.substr(0, 12);
}

// Which networks it joins: the one of the network mode, and those of the networking configuration.
Result<> set_networks(ContainerSpec& spec, const network::Manager& networks) {
    HostConfig& host = spec.host;
    host.network_mode = spec.network_disabled ? "none" : normal_network(host.network_mode);
    if (!has_own_network(spec) || host.network_mode == "none") {
        spec.networks.clear();
        return {};
    }
    // The same network may be named by its mode and by its id or name in the configuration.
    const network::Network main = TRY(networks.find(host.network_mode));
    const auto is_main = [&](const std::string& key) {
        return key == main.spec.name || key == main.id || key == host.network_mode ||
               key == "default";
    };
    std::map<std::string, EndpointSpec> out;
    for (auto& [key, endpoint] : spec.networks) {
        const network::Network found = TRY(networks.find(is_main(key) ? main.spec.name : key));
        out[found.spec.name] = std::move(endpoint);
    }
    EndpointSpec& endpoint = out[main.spec.name];
    if (endpoint.mac_address.empty()) endpoint.mac_address = spec.mac_address;
    spec.networks = std::move(out);
    return {};
}

// Makes the volume by need and holds it for the container. One that exists is taken as it is,
// whatever its driver options.
Result<volume::Volume> hold_volume(volume::Store& volumes, volume::VolumeSpec wanted,
                                   const std::string& container) {
    constexpr int most_attempts = 20;
    for (int attempt = 1;; ++attempt) {
        auto known = wanted.name.empty()
                         ? Result<volume::Volume>(fail(ErrorCode::NotFound, "anonymous"))
                         : volumes.find(wanted.name);
        if (!known && !known.error().is(ErrorCode::NotFound)) return std::move(known).error();
        volume::Volume volume = known ? *known : TRY(volumes.create(wanted));
        auto held = volumes.acquire(volume.name, container);
        if (held) return volume;
        // Removed or pruned by somebody between the look and the hold: made anew, as if it had
        // never been there.
        if (!held.error().is(ErrorCode::NotFound) || attempt == most_attempts)
            return std::move(held).error();
    }
}

Result<> check_settings(const ContainerSpec& spec) {
    TRY(check_spec(spec, static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN))));
    // Everything that can be found out of place before the start is.
    const oci::RuntimeSpec planned = TRY(plan_runtime(spec, {}));
    return {};
}

// The values of its options; whether a host's name has an address shows at the start.
Result<> check_log(const LogConfig& log) {
    TRY(plan_log(log, {}, "", [](const std::string& name) { return Result<std::string>(name); }));
    return {};
}

Result<> check_bind_sources(const std::vector<MountRequest>& mounts) {
    for (const MountRequest& mount : mounts) {
        if (mount.type != MountType::Bind || mount.create_mountpoint || sys::exists(mount.source))
            continue;
        return fail(ErrorCode::InvalidArgument,
                    "invalid mount config for type \"bind\": bind source path does not exist: ",
                    mount.source);
    }
    return {};
}

// An owner that has no place in the map is nobody, as for all that is mounted with it; past the map
// begin another container's ids.
Result<> shift_owner(const std::string& path, const UserIds& ids) {
    constexpr std::uint32_t nobody = 65'534;
    const auto shifted = [&](std::uint32_t owner) {
        return ids.first + (owner < ids.count ? owner : nobody);
    };
    const sys::Fd directory = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
    const struct stat about = TRY(sys::fstat(directory));
    return sys::fchown(directory, shifted(about.st_uid), shifted(about.st_gid));
}

}  // namespace

Result<std::string> Containers::Implementation::reserve_name(const std::string& wanted,
                                                             const std::string& id) {
    auto index = index_.lock();
    if (!wanted.empty()) {
        const auto [known, inserted] = index->by_name.emplace(wanted, id);
        if (inserted) return wanted;
        return fail(
            ErrorCode::Conflict, "Conflict. The container name \"/", wanted,
            "\" is already in use by container \"", known->second,
            "\". You have to remove (or rename) that container to be able to reuse that name.");
    }
    for (int attempt = 0; attempt < name_attempts; ++attempt) {
        const std::string name = generate_name(attempt);
        if (index->by_name.emplace(name, id).second) return name;
    }
    const std::string name = id.substr(0, 12);
    index->by_name.emplace(name, id);
    return name;
}

void Containers::Implementation::release_name(const std::string& name) {
    index_.lock()->by_name.erase(name);
}

Result<std::vector<MountRequest>> Containers::Implementation::mounts_of_other(
    const std::string& key) {
    const ContainerPtr other = TRY(find(key));
    std::vector<MountRequest> out;
    for (const MountRequest& mount : other->mounts) {
        if (mount.type != MountType::Tmpfs) out.push_back(mount);
    }
    return out;
}

Result<CreateResult> Containers::Implementation::create(const std::string& wanted_name,
                                                        ContainerSpec spec, std::stop_token stop) {
    std::string name(wanted_name.starts_with('/') ? wanted_name.substr(1) : wanted_name);
    if (!name.empty()) TRY(check_name(name));
    TRY(services_.database.check_room());
    oci::Platform platform;
    if (!spec.platform.empty()) platform = TRY(oci::Platform::parse(spec.platform));
    // Until it is known to the collection as a user, which takes no layers while something is made.
    auto lease = services_.content.lease();
    const image::Image image = TRY(services_.images.resolve(spec.image, platform));
    for (const auto& diff_id : image.diff_ids()) lease.note(diff_id);
    TRY(services_.images.touch(image.id));
    TRY(services_.images.ensure_layers(image, stop));
    TRY(apply_image(spec, image.config->config));
    auto container = std::make_shared<Container>();
    container->id = random_hex(32);
    if (spec.host.network_mode.starts_with("container:")) {
        const ContainerPtr other = TRY(find(spec.host.network_mode.substr(10)));
        if (spec.hostname.empty()) spec.hostname = other->spec()->hostname;
        // By id from now on: names change.
        spec.host.network_mode = "container:" + other->id;
    }
    // So are the other containers whose namespaces it joins.
    for (std::string* mode : {&spec.host.pid_mode, &spec.host.ipc_mode}) {
        if (!mode->starts_with("container:")) continue;
        const ContainerPtr other = TRY(find(mode->substr(10)));
        *mode = "container:" + other->id;
    }
    set_host_name(spec, container->id);
    TRY(set_networks(spec, services_.networks));
    if (spec.host.berth_defaults) apply_own_defaults(spec.host);
    TRY(check_settings(spec));
    const LogConfig log =
        TRY(choose_log(spec.host.log, settings_.log_driver, settings_.log_options));
    TRY(check_log(log));
    container->mounts =
        TRY(plan_mounts(spec, [&](const std::string& key) { return mounts_of_other(key); }));
    TRY(check_bind_sources(container->mounts));
    for (MountRequest& mount : container->mounts) {
        if (mount.type == MountType::Image)
            mount.image_id = TRY(services_.images.resolve(mount.source, platform)).id.to_string();
    }

    std::vector<std::string> warnings;
    std::optional<ReservedIds> user_ids;
    // A default is for those whom it suits; who asks for it, or for something else, is told or
    // obeyed.
    if (spec.host.userns_mode.empty() && has_default_user_namespace(spec, container->mounts)) {
        if (auto chosen = choose_user_ids()) {
            spec.host.userns_mode = "auto";
            user_ids.emplace(std::move(*chosen));
        } else {
            warnings.push_back(
                concat("without a user namespace of its own: ", chosen.error().message()));
        }
    } else if (spec.host.userns_mode == "auto") {
        TRY(check_owner_maps());
        user_ids.emplace(TRY(choose_user_ids()));
    }
    if (user_ids) spec.user_ids = user_ids->ids();
    container->created_at = clock_.now();
    container->image_id = image.id.to_string();
    container->image_manifest_digest = image.manifest.digest.to_string();
    container->platform = image.platform.to_string();
    container->layers = image.diff_ids();
    container->layers.insert(container->layers.begin(), base_layer_);
    container->directory = concat(settings_.root, "/containers/", container->id);
    container->run_directory = concat(settings_.run, "/shims/", container->id);
    name = TRY(reserve_name(name, container->id));
    {
        auto live = container->live.lock();
        live->name = name;
        live->spec = std::make_shared<const ContainerSpec>(spec);
    }
    // The row comes last: a directory and volumes without one are swept at the next start of the
    // engine.
    const auto build = [&]() -> Result<> {
        TRY(sys::mkdir_all(container->directory, 0700));
        const snapshot::Writable writable =
            TRY(services_.snapshots.create_writable(container->directory, container->layers));
        if (const auto limit = TRY(storage_limit(spec.host.storage_options)); limit > 0)
            TRY(limit_storage(writable, limit));
        if (spec.user_ids) TRY(shift_owner(writable.upper, *spec.user_ids));
        TRY(make_volumes(*container, spec, stop));
        return insert_row(*container, !spec.host.auto_remove);
    };
    if (auto built = build(); !built) {
        if (auto released = services_.volumes.release(container->id)) {
            for (const volume::Volume& volume : *released)
                services_.volumes.remove(volume.name, {}).ignore("swept later");
        }
        if (!spec.host.storage_options.empty())
            release_storage({.upper = container->directory + "/upper", .work = {}})
                .ignore("it may not have come that far");
        sys::remove_tree(container->directory).ignore("swept at the next start");
        release_name(name);
        return std::move(built).error();
    }
    index_.lock()->by_id[container->id] = container;
    emit(*container, "create");
    return CreateResult{.id = container->id, .warnings = std::move(warnings)};
}

Result<> Containers::Implementation::make_volumes(Container& container, const ContainerSpec& spec,
                                                  std::stop_token stop) {
    sys::DetachedMount root;
    for (MountRequest& mount : container.mounts) {
        if (mount.type != MountType::Volume) continue;
        const std::string driver =
            mount.driver.empty()
                ? (spec.host.volume_driver.empty() ? "local" : spec.host.volume_driver)
                : mount.driver;
        volume::VolumeSpec wanted{.name = mount.source,
                                  .driver = driver,
                                  .options = mount.driver_options,
                                  .labels = mount.labels};
        const volume::Volume volume =
            TRY(hold_volume(services_.volumes, std::move(wanted), container.id));
        mount.source = volume.name;
        mount.driver = volume.driver;
        if (mount.no_copy || mount.read_only || !mount.subpath.empty()) continue;
        if (!TRY(services_.volumes.is_empty(volume.name))) continue;
        if (!root) root = TRY(services_.snapshots.mount_root({.layers = container.layers}));
        TRY(fill_volume(container, mount, root.fd(), stop)
                .context("copy the image's files into volume ", volume.name));
    }
    return {};
}

// A new volume starts with what the image has at its place.
Result<> Containers::Implementation::fill_volume(Container& container, const MountRequest& mount,
                                                 sys::BorrowedFd root, std::stop_token stop) {
    const volume::MountSource target = TRY(services_.volumes.mount_source(mount.source));
    if (!target.type.empty()) return {};
    auto source = sys::open_in_root(root, mount.target, O_RDONLY | O_DIRECTORY);
    if (!source) return {};  // nothing there, or no directory
    const sys::Fd directory = TRY(sys::open(target.source, O_RDONLY | O_DIRECTORY));
    const struct stat about = TRY(sys::fstat(*source));
    const sys::Fd spool = TRY(sys::open_unnamed_file(container.directory));
    FdSink sink(spool);
    TRY(layer::pack(*source, sink, {}, stop));
    TRY(sys::seek(spool, 0, SEEK_SET));
    FdSource archive(spool);
    TRY(layer::extract(archive, directory, {}, stop));
    TRY(sys::fchown(directory, about.st_uid, about.st_gid));
    return sys::fchmod(directory, about.st_mode & 07777);
}

}  // namespace berth::container
