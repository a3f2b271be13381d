#include <sys/sysmacros.h>

#include <algorithm>

#include "base/path.h"
#include "container/cdi.h"
#include "container/host_files.h"
#include "container/implementation_internal.h"
#include "container/mount_plan.h"
#include "container/owner_map.h"
#include "container/runtime_plan.h"
#include "container/seccomp_profile.h"
#include "container/user_namespace.h"
#include "network/manager.h"
#include "sys/capability.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "volume/host_ca.h"
#include "volume/store.h"

// What the runtime is told: everything of the host that the plan needs is looked up here, the plan
// itself is pure.
namespace berth::container {
namespace {

Result<std::string> namespace_of(const ContainerPtr& other, const char* kind) {
    const State state = other->state();
    if (!is_alive(state.status) || state.pid == 0) {
        return fail(ErrorCode::Conflict, "cannot join ", kind,
                    " namespace of a non running container: container ", other->id, " is ",
                    to_string(state.status));
    }
    return concat("/proc/", state.pid, "/ns/", kind);
}

oci::RuntimeMount bind_mount(const MountRequest& mount, const std::string& source) {
    std::vector<std::string> options{mount.non_recursive ? "bind" : "rbind",
                                     mount.propagation.empty() ? "rprivate" : mount.propagation};
    if (mount.read_only) options.emplace_back(mount.read_only_non_recursive ? "ro" : "rro");
    return {mount.target, "bind", source, std::move(options), {}, {}};
}

Result<oci::RuntimeMount> tmpfs_mount(const std::string& target, const std::string& text) {
    std::vector<std::string> options{"nosuid", "nodev", "noexec"};
    for (const std::string& option : split(text, ',')) {
        if (option.empty()) continue;
        if (option.starts_with("size=")) {
            options.push_back(concat("size=", TRY(parse_size(option.substr(5)))));
            continue;
        }
        // "exec" undoes "noexec" and so on.
        std::erase(options, "no" + option);
        options.push_back(option);
    }
    return oci::RuntimeMount{clean_absolute_path(target), "tmpfs", "tmpfs",
                             std::move(options),          {},      {}};
}

Result<oci::RuntimeDevice> device_of(const DeviceRequest& request) {
    const struct stat about =
        TRY(sys::stat(request.host_path)
                .context("error gathering device information while adding custom device \"",
                         request.host_path, "\""));
    if (!S_ISCHR(about.st_mode) && !S_ISBLK(about.st_mode))
        return fail(ErrorCode::InvalidArgument, "not a device node: ", request.host_path);
    oci::RuntimeDevice device{
        .type = S_ISCHR(about.st_mode) ? "c" : "b",
        .path = request.container_path.empty() ? request.host_path : request.container_path,
        .major = static_cast<std::int64_t>(major(about.st_rdev)),
        .minor = static_cast<std::int64_t>(minor(about.st_rdev))};
    device.file_mode = about.st_mode & 0777;
    device.uid = about.st_uid;
    device.gid = about.st_gid;
    return device;
}

// A directory stands for every device in it.
Result<std::vector<oci::RuntimeDevice>> devices_of(const DeviceRequest& request) {
    const struct stat about =
        TRY(sys::stat(request.host_path)
                .context("error gathering device information while adding custom device \"",
                         request.host_path, "\""));
    std::vector<oci::RuntimeDevice> out;
    if (!S_ISDIR(about.st_mode)) {
        out.push_back(TRY(device_of(request)));
        return out;
    }
    for (const sys::DirEntry& entry : TRY(sys::list_dir(request.host_path))) {
        if (entry.type != DT_CHR && entry.type != DT_BLK) continue;
        const std::string target =
            request.container_path.empty() ? request.host_path : request.container_path;
        out.push_back(TRY(device_of({concat(request.host_path, "/", entry.name),
                                     concat(target, "/", entry.name), request.permissions})));
    }
    return out;
}

Result<oci::RuntimeDeviceRule> parse_device_rule(const std::string& text) {
    const std::vector<std::string> words = split(text, ' ');
    const auto numbers = words.size() == 3 ? split_once(words[1], ':') : std::nullopt;
    if (!numbers || (words[0] != "a" && words[0] != "b" && words[0] != "c"))
        return fail(ErrorCode::InvalidArgument, "invalid device cgroup rule format: '", text, "'");
    const auto number = [](std::string_view part) {
        return part == "*" ? std::nullopt : parse_int(part);
    };
    return oci::RuntimeDeviceRule{.allow = true,
                                  .type = words[0],
                                  .major = number(numbers->first),
                                  .minor = number(numbers->second),
                                  .access = words[2]};
}

Result<> add_devices(const HostConfig& host, RuntimeFacts& facts) {
    std::vector<DeviceRequest> requests = host.devices;
    for (const DeviceRequest& request : requests) {
        for (oci::RuntimeDevice& device : TRY(devices_of(request))) {
            facts.device_rules.push_back({.allow = true,
                                          .type = device.type,
                                          .major = device.major,
                                          .minor = device.minor,
                                          .access = request.permissions});
            facts.devices.push_back(std::move(device));
        }
    }
    for (const std::string& rule : host.device_cgroup_rules)
        facts.device_rules.push_back(TRY(parse_device_rule(rule)));
    return {};
}

// A privileged container sees the host's devices.
void add_host_devices(const std::string& directory, RuntimeFacts& facts) {
    const auto entries = sys::list_dir(directory);
    if (!entries) return;
    for (const sys::DirEntry& entry : *entries) {
        static const std::vector<std::string> own{"pts",     "shm",    "fd",      "mqueue",
                                                  "console", "ptmx",   "null",    "zero",
                                                  "full",    "random", "urandom", "tty"};
        if (std::ranges::find(own, entry.name) != own.end()) continue;
        const std::string path = concat(directory, "/", entry.name);
        if (entry.type == DT_DIR) add_host_devices(path, facts);
        if (entry.type != DT_CHR && entry.type != DT_BLK) continue;
        if (auto device = device_of({path, path, "rwm"}))
            facts.devices.push_back(std::move(*device));
    }
}

void add_weights(const std::vector<ThrottleDevice>& from,
                 std::vector<oci::RuntimeWeightDevice>& to) {
    for (const ThrottleDevice& device : from) {
        const auto about = sys::stat(device.path);
        if (!about) continue;
        oci::RuntimeWeightDevice weight{.major = static_cast<std::int64_t>(major(about->st_rdev)),
                                        .minor = static_cast<std::int64_t>(minor(about->st_rdev))};
        weight.weight = static_cast<std::uint16_t>(device.rate);
        to.push_back(weight);
    }
}

// The names of CDI devices that a claim means; --gpus takes those of the vendor's files.
Result<std::vector<std::string>> cdi_names(const DeviceClaim& claim,
                                           const std::vector<CdiFile>& files) {
    if (claim.driver == "cdi") return claim.ids;
    std::vector<std::string> words;
    for (const std::vector<std::string>& all : claim.capabilities)
        words.push_back(concat("[", join(all, " "), "]"));
    const Error refusal = fail(ErrorCode::InvalidArgument, "could not select device driver \"",
                               claim.driver, "\" with capabilities: [", join(words, " "), "]")
                              .with_hint(
                                  "no CDI file in /etc/cdi or /var/run/cdi describes a GPU: run "
                                  "the vendor's generator, such as nvidia-ctk cdi generate");
    if (!claim.driver.empty() && claim.driver != "nvidia") return refusal.clone();
    const std::string kind = "nvidia.com/gpu";
    std::vector<std::string> known = list_cdi_devices(files, kind);
    if (known.empty()) return refusal.clone();
    std::vector<std::string> wanted = claim.ids;
    if (wanted.empty() && claim.count < 0 && std::ranges::find(known, "all") != known.end())
        wanted = {"all"};
    std::erase(known, "all");
    if (wanted.empty()) {
        const std::size_t count =
            claim.count < 0 ? known.size() : static_cast<std::size_t>(claim.count);
        if (count > known.size())
            return fail(ErrorCode::InvalidArgument, "could not select ", count,
                        " GPUs: ", known.size(), " are described");
        wanted.assign(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(count));
    }
    for (std::string& name : wanted) name = concat(kind, "=", name);
    return wanted;
}

Result<> add_cdi_node(const CdiEdits::Node& node, RuntimeFacts& facts) {
    oci::RuntimeDevice device;
    if (node.type.empty() || !node.major || !node.minor) {
        device = TRY(device_of({node.host_path, node.path, node.permissions}));
    } else {
        device = {.type = node.type, .path = node.path, .major = *node.major, .minor = *node.minor};
    }
    if (node.file_mode) device.file_mode = node.file_mode;
    if (node.uid) device.uid = node.uid;
    if (node.gid) device.gid = node.gid;
    facts.device_rules.push_back({.allow = true,
                                  .type = device.type,
                                  .major = device.major,
                                  .minor = device.minor,
                                  .access = node.permissions});
    facts.devices.push_back(std::move(device));
    return {};
}

Result<> add_claims(const HostConfig& host, RuntimeFacts& facts) {
    if (host.device_claims.empty()) return {};
    const std::vector<CdiFile> files = read_cdi_files({"/etc/cdi", "/var/run/cdi"});
    std::vector<std::string> names;
    for (const DeviceClaim& claim : host.device_claims) {
        for (std::string& name : TRY(cdi_names(claim, files))) names.push_back(std::move(name));
    }
    CdiEdits edits = TRY(resolve_cdi(files, names));
    for (const CdiEdits::Node& node : edits.nodes) TRY(add_cdi_node(node, facts));
    for (const std::string& line : edits.env) {
        if (const auto pair = split_once(line, '='))
            facts.extra_env.emplace_back(pair->first, pair->second);
    }
    facts.mounts.insert(facts.mounts.end(), edits.mounts.begin(), edits.mounts.end());
    facts.user.groups.insert(facts.user.groups.end(), edits.additional_gids.begin(),
                             edits.additional_gids.end());
    facts.hooks = std::move(edits.hooks);
    return {};
}

Result<> make_source(const std::string& path, const std::optional<FilesOwner>& owner) {
    TRY(sys::mkdir_all(path, 0755));
    if (!owner) return {};
    const sys::Fd folder = TRY(sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return sys::fchown(folder, owner->uid, owner->gid);
}

// What is somebody else's, such as a socket or a system folder of root's, keeps its numbers:
// mapped, it would be nobody's, whom not even the container's root may pass by.
bool belongs_to(const std::string& source, const std::optional<FilesOwner>& owner) {
    if (!owner || owner->uid == 0) return false;
    const auto about = sys::stat(source);
    return about && about->st_uid == owner->uid;
}

// Folders of the host in which the container's user is the caller.
void map_owner(oci::RuntimeMount& mount, const FilesOwner& owner, const ResolvedUser& user) {
    const auto range_of = [](const char* path, std::uint32_t id) {
        // Names of local users only: those of a directory service are written as numbers in these
        // files.
        std::string name;
        for (const std::string& line :
             split(sys::read_file("/etc/passwd", 10 << 20).value_or(""), '\n')) {
            const std::vector<std::string> fields = split(line, ':');
            if (fields.size() > 2 && fields[2] == std::to_string(id)) name = fields[0];
        }
        return find_subordinate_range(sys::read_file(path, 10 << 20).value_or(""), name, id);
    };
    mount.uid_mappings = owner_map(owner.uid, user.uid, range_of("/etc/subuid", owner.uid));
    mount.gid_mappings = owner_map(owner.gid, user.gid, range_of("/etc/subgid", owner.uid));
    mount.options.emplace_back("tryidmap");
}

bool lies_in(const std::string& path, const std::string& folder) {
    return path == folder || path.starts_with(folder + "/");
}

// Without a map files are nobody's: good enough for what the kernel shows, and for what is only
// read.
bool does_without_map(const oci::RuntimeMount& mount) {
    const auto is_read_only = [](const std::string& option) {
        return option == "ro" || option == "rro";
    };
    return lies_in(mount.source, "/proc") || lies_in(mount.source, "/sys") ||
           lies_in(mount.source, "/dev") || std::ranges::any_of(mount.options, is_read_only);
}

// Volumes, the engine's own files and binds of the host keep their numbers in a user namespace, or
// have the caller's map. `images` is where images are mounted: their files have their owners
// already, and an overlay takes no map.
void map_to_own_ids(std::vector<oci::RuntimeMount>& mounts, const UserIds& ids,
                    const std::string& images) {
    const auto is_bind = [](const std::string& option) {
        return option == "bind" || option == "rbind";
    };
    for (oci::RuntimeMount& mount : mounts) {
        const bool binds = mount.type == "bind" || std::ranges::any_of(mount.options, is_bind);
        if (!binds || lies_in(mount.source, images)) continue;
        std::erase(mount.options, "tryidmap");
        mount.options.emplace_back(does_without_map(mount) ? "tryidmap" : "idmap");
        if (mount.uid_mappings.empty()) {
            mount.uid_mappings = mount.gid_mappings = own_ids_map(ids);
            continue;
        }
        for (auto* maps : {&mount.uid_mappings, &mount.gid_mappings}) {
            for (oci::RuntimeIdMapping& map : *maps) map.host_id += ids.first;
        }
    }
}

Result<> make_working_dir(sys::BorrowedFd root, const ContainerSpec& spec) {
    // The engine's root is nobody in a user namespace.
    std::optional<sys::ActingAs> as_root;
    if (spec.user_ids)
        as_root.emplace(TRY(sys::ActingAs::begin(spec.user_ids->first, spec.user_ids->first)));
    TRY(make_directory_in_root(root, clean_absolute_path(spec.working_dir))
            .context("working directory"));
    return {};
}

void add_throttles(const std::vector<ThrottleDevice>& from,
                   std::vector<oci::RuntimeThrottleDevice>& to) {
    for (const ThrottleDevice& throttle : from) {
        const auto about = sys::stat(throttle.path);
        if (!about) continue;
        to.push_back({static_cast<std::int64_t>(major(about->st_rdev)),
                      static_cast<std::int64_t>(minor(about->st_rdev)), throttle.rate});
    }
}

}  // namespace

std::string Containers::Implementation::cgroup_path(const Container& container,
                                                    const ContainerSpec& spec) const {
    const std::string parent =
        spec.host.cgroup_parent.empty() ? settings_.cgroup_parent : spec.host.cgroup_parent;
    return concat(clean_absolute_path(parent), "/", container.id);
}

Result<std::vector<oci::RuntimeMount>> Containers::Implementation::plan_container_mounts(
    Container& container, const ContainerSpec& spec, const ResolvedUser& user) {
    std::vector<oci::RuntimeMount> out;
    std::size_t index = 0;
    for (const MountRequest& mount : container.mounts) {
        switch (mount.type) {
            case MountType::Bind:
                if (mount.create_mountpoint && !sys::exists(mount.source))
                    TRY(make_source(mount.source, spec.host.files_owner));
                out.push_back(bind_mount(mount, mount.source));
                if (belongs_to(mount.source, spec.host.files_owner))
                    map_owner(out.back(), *spec.host.files_owner, user);
                break;
            case MountType::Image:
                out.push_back(TRY(plan_image_mount(container, mount, index)));
                break;
            case MountType::Volume: {
                const volume::MountSource source =
                    TRY(services_.volumes.mount_source(mount.source));
                if (source.type.empty()) {
                    out.push_back(bind_mount(mount, source.source));
                    if (mount.subpath.empty()) break;
                    // Tried here for the words; the runtime looks it up again, and mounts just
                    // that.
                    TRY(open_mount_source(mount, O_PATH)
                            .context("cannot access path ", mount.subpath, " of volume ",
                                     mount.source));
                    out.back().options.push_back(concat("beneath=", part_beneath(mount)));
                } else {
                    std::vector<std::string> options = split(source.options, ',');
                    if (mount.read_only) options.emplace_back("ro");
                    std::erase(options, "");
                    out.push_back(
                        {mount.target, source.type, source.source, std::move(options), {}, {}});
                }
                break;
            }
            case MountType::Tmpfs: {
                std::string options = mount.read_only ? "ro" : "";
                if (mount.tmpfs_size > 0) options += concat(",size=", mount.tmpfs_size);
                char mode[24];
                std::snprintf(mode, sizeof(mode), ",mode=%o",
                              mount.tmpfs_mode == 0 ? 01777u : mount.tmpfs_mode);
                out.push_back(TRY(tmpfs_mount(mount.target, options + mode)));
                break;
            }
        }
        ++index;
    }
    for (const auto& [target, options] : spec.host.tmpfs)
        out.push_back(TRY(tmpfs_mount(target, options)));
    return out;
}

Result<oci::RuntimeSpec> Containers::Implementation::plan(Container& container,
                                                          const ContainerSpec& spec,
                                                          sys::BorrowedFd root) {
    RuntimeFacts facts;
    facts.id = container.id;
    facts.name = container.name();
    facts.user = TRY(resolve_user(TRY(read_account_files(root)), spec.user, spec.host.group_add));
    facts.user_ids = spec.user_ids;
    TRY(check_user_has_place(facts.user, spec.user_ids));
    facts.mounts = TRY(plan_container_mounts(container, spec, facts.user));
    const Container* files_of = &container;
    ContainerPtr network_owner;
    if (spec.host.network_mode.starts_with("container:")) {
        network_owner = TRY(find(spec.host.network_mode.substr(10)));
        files_of = network_owner.get();
    }
    facts.hosts_path = files_of->host_file("hosts");
    facts.hostname_path = files_of->host_file("hostname");
    facts.resolv_conf_path = files_of->host_file("resolv.conf");
    if (spec.host.init.value_or(settings_.init))
        facts.init_program = settings_.libexec + "/berth-shim";
    if (spec.host.pid_mode.starts_with("container:"))
        facts.pid_namespace = TRY(namespace_of(TRY(find(spec.host.pid_mode.substr(10))), "pid"));
    if (spec.host.ipc_mode.starts_with("container:")) {
        const ContainerPtr donor = TRY(find(spec.host.ipc_mode.substr(10)));
        const std::string theirs = donor->spec()->host.ipc_mode;
        if (theirs != "shareable" && theirs != "host") {
            return fail(
                ErrorCode::Conflict, "cannot join IPC namespace of container ", donor->id,
                ": non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
        }
        facts.ipc_namespace = TRY(namespace_of(donor, "ipc"));
        facts.shared_memory =
            theirs == "host" ? std::string("/dev/shm") : shared_memory_path(*donor);
    }
    if (spec.host.ipc_mode == "shareable")
        facts.shared_memory = TRY(make_shared_memory(container, spec));
    TRY(add_devices(spec.host, facts));
    TRY(add_claims(spec.host, facts));
    if (spec.host.privileged) add_host_devices("/dev", facts);
    facts.cgroup_path = cgroup_path(container, spec);
    facts.cgroup_v2 = TRY(sys::cgroup_layout()).is_v2_only();
    facts.default_shm_size = settings_.default_shm_size;
    facts.default_ulimits = settings_.default_ulimits;
    facts.default_pids_limit = settings_.default_pids_limit;
    facts.seccomp = TRY(seccomp_of(spec.host));
    if (spec.host.host_ca.value_or(settings_.host_ca)) TRY(add_host_ca(root, facts));
    if (!spec.working_dir.empty()) TRY(make_working_dir(root, spec));
    oci::RuntimeSpec out = TRY(plan_runtime(spec, facts));
    if (spec.user_ids) map_to_own_ids(out.mounts, *spec.user_ids, container.directory + "/images");
    oci::RuntimeBlockIo& io = out.linux_config.resources.block_io;
    add_weights(spec.host.resources.blkio_weight_device, io.weight_devices);
    add_throttles(spec.host.resources.blkio_read_bps, io.read_bps);
    add_throttles(spec.host.resources.blkio_write_bps, io.write_bps);
    add_throttles(spec.host.resources.blkio_read_iops, io.read_iops);
    add_throttles(spec.host.resources.blkio_write_iops, io.write_iops);
    return out;
}

Result<> Containers::Implementation::add_host_ca(sys::BorrowedFd root, RuntimeFacts& facts) const {
    auto planned = volume::plan_host_ca(root);
    if (!planned) {
        if (planned.error().is(ErrorCode::NotFound))
            return {};  // the host has no bundle: nothing to trust
        return std::move(planned).error();
    }
    const auto bind = [&](const std::string& target) {
        facts.mounts.push_back(
            {target, "bind", planned->bundle, {"bind", "rprivate", "ro"}, {}, {}});
    };
    bind(planned->target);
    for (const std::string& overlay : planned->overlays) bind(overlay);
    facts.extra_env.insert(facts.extra_env.end(), planned->environment.begin(),
                           planned->environment.end());
    return {};
}

}  // namespace berth::container
