#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/devices.h"
#include "runtime/preparation_internal.h"
#include "runtime/seccomp_program.h"
#include "sys/file.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace berth::runtime {
namespace {

// The specification's names for namespaces, and the kernel's.
struct Kind {
    std::string_view name;
    std::uint64_t flag;
};
constexpr Kind namespace_kinds[] = {{"user", CLONE_NEWUSER},     {"mount", CLONE_NEWNS},
                                    {"pid", CLONE_NEWPID},       {"network", CLONE_NEWNET},
                                    {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS},
                                    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};

Result<std::uint64_t> flag_of(const std::string& type) {
    for (const auto& kind : namespace_kinds) {
        if (kind.name == type) return kind.flag;
    }
    return fail(ErrorCode::InvalidArgument, "unknown namespace ", type);
}

Result<> join_namespace(std::uint64_t flag, sys::Fd fd, Preparation& out) {
    if (flag == CLONE_NEWUSER) {
        out.user_namespace = std::move(fd);
    } else if (flag == CLONE_NEWPID) {
        out.pid_namespace = std::move(fd);
    } else {
        out.joins.push_back({.flag = flag, .fd = std::move(fd)});
    }
    return {};
}

Result<> prepare_namespaces(Preparation& out) {
    for (const auto& entry : out.spec.linux_config.namespaces) {
        const std::uint64_t flag = TRY(flag_of(entry.type));
        if (flag == CLONE_NEWNET && out.options.network_namespace >= 0) continue;
        if (flag == CLONE_NEWUSER && out.options.user_namespace >= 0) continue;
        if (!entry.path.empty()) {
            sys::Fd fd =
                TRY(sys::open_namespace(entry.path).context("join the ", entry.type, " namespace"));
            TRY(join_namespace(flag, std::move(fd), out));
        } else if (flag == CLONE_NEWCGROUP) {
            out.new_cgroup_namespace = true;
        } else {
            out.clone_flags |= flag;
        }
    }
    if (out.options.network_namespace >= 0) {
        sys::Fd fd = TRY(sys::duplicate(out.options.network_namespace));
        TRY(join_namespace(CLONE_NEWNET, std::move(fd), out));
    }
    if (out.options.user_namespace >= 0)
        out.user_namespace = TRY(sys::duplicate(out.options.user_namespace));
    out.new_user_namespace = (out.clone_flags & CLONE_NEWUSER) != 0;
    out.new_network_namespace = (out.clone_flags & CLONE_NEWNET) != 0;
    out.shares_mounts = !(out.clone_flags & CLONE_NEWNS);
    if (out.shares_mounts && out.options.root_mount >= 0)
        return fail(ErrorCode::Unsupported, "a root without a place needs a new mount namespace");
    // A time namespace takes in children only, and only the next one may still find its clocks
    // unset.
    const bool is_late =
        out.new_user_namespace || out.user_namespace || (out.clone_flags & CLONE_NEWTIME);
    if (is_late) {
        out.late_flags = out.clone_flags & ~std::uint64_t(CLONE_NEWUSER);
        out.clone_flags = 0;
    }
    return {};
}

Result<> prepare_net_devices(Preparation& out) {
    const auto& devices = out.spec.linux_config.net_devices;
    if (devices.empty()) return {};
    const auto* place = out.spec.linux_config.find_namespace("network");
    if (!place && out.options.network_namespace < 0)
        return fail(ErrorCode::InvalidArgument,
                    "linux.netDevices needs a network namespace of the container's");
    out.net_devices = TRY(find_net_devices(devices).context("linux.netDevices"));
    return {};
}

std::vector<sys::IdMapping> to_mappings(const std::vector<oci::RuntimeIdMapping>& mappings) {
    std::vector<sys::IdMapping> out;
    for (const auto& map : mappings)
        out.push_back({.inside = map.container_id, .outside = map.host_id, .size = map.size});
    return out;
}

Result<> prepare_id_maps(Preparation& out) {
    if (!out.new_user_namespace) return {};
    out.id_maps.uids = to_mappings(out.spec.linux_config.uid_mappings);
    out.id_maps.gids = to_mappings(out.spec.linux_config.gid_mappings);
    if (out.id_maps.uids.empty() || out.id_maps.gids.empty())
        return fail(ErrorCode::InvalidArgument,
                    "a new user namespace needs linux.uidMappings and linux.gidMappings");
    out.id_maps.deny_setgroups = ::geteuid() != 0;
    return {};
}

Result<> prepare_root(Preparation& out) {
    if (out.options.root_mount >= 0) {
        out.root = TRY(sys::clone_tree(sys::BorrowedFd(out.options.root_mount), {.recursive = true})
                           .context("root"));
    } else {
        out.root_path = out.options.root_path;
        if (!out.root_path.starts_with('/'))
            out.root_path = out.options.bundle + "/" + out.root_path;
        const sys::Fd root =
            TRY(sys::open(out.root_path, O_PATH | O_DIRECTORY).context("root file system"));
        out.root = TRY(sys::clone_tree(root, {.recursive = true}).context("root file system"));
    }
    // Mounts below the root may share their events with the host; the container's must not get out.
    return sys::set_attributes(out.root.fd(), {.propagation = MS_SLAVE, .recursive = true})
        .context("root");
}

std::string source_path(const oci::RuntimeMount& mount, const Preparation& out) {
    return mount.source.starts_with('/') ? mount.source
                                         : concat(out.options.bundle, "/", mount.source);
}

// Then its user namespace serves, if it is there already.
bool has_containers_map(const oci::RuntimeMount& mount, const Preparation& out) {
    const oci::RuntimeLinux& config = out.spec.linux_config;
    const auto is_same = [](const oci::RuntimeIdMapping& a, const oci::RuntimeIdMapping& b) {
        return a.container_id == b.container_id && a.host_id == b.host_id && a.size == b.size;
    };
    return out.options.user_namespace >= 0 &&
           std::ranges::equal(mount.uid_mappings, config.uid_mappings, is_same) &&
           std::ranges::equal(mount.gid_mappings, config.gid_mappings, is_same);
}

Result<> set_up_idmap(PreparedMount& prepared, const Preparation& out) {
    sys::IdMaps maps{.uids = to_mappings(prepared.mount->uid_mappings),
                     .gids = to_mappings(prepared.mount->gid_mappings)};
    if (maps.uids.empty()) maps = {.uids = out.id_maps.uids, .gids = out.id_maps.gids};
    if (maps.uids.empty())
        return fail(ErrorCode::InvalidArgument, "an idmap mount needs uidMappings and gidMappings");
    sys::Fd made;
    if (!has_containers_map(*prepared.mount, out)) made = TRY(sys::make_user_namespace(maps));
    return sys::set_attributes(prepared.tree.fd(),
                               {.set = MOUNT_ATTR_IDMAP,
                                .user_namespace = made ? made.get() : out.options.user_namespace,
                                .recursive = prepared.options.recursive_idmap});
}

// Whoever else has the source may at any moment exchange what is in it for a link to the host: a
// part is looked up once, and mounted from its descriptor. (CVE-2021-25741.)
Result<sys::DetachedMount> clone_source(const PreparedMount& prepared, const Preparation& out) {
    const std::string path = source_path(*prepared.mount, out);
    const sys::CloneTreeOptions how{.recursive = prepared.options.recursive_bind};
    if (prepared.options.beneath.empty()) return sys::clone_tree(path, how);
    const sys::Fd whole = TRY(sys::open(path, O_PATH | O_DIRECTORY));
    const sys::Fd part =
        TRY(sys::open_beneath(whole, prepared.options.beneath, O_PATH)
                .context("cannot access path ", prepared.options.beneath, " of ", path));
    return sys::clone_tree(part, how);
}

}  // namespace

Result<> prepare_bind(PreparedMount& prepared, const Preparation& out) {
    prepared.tree = TRY(clone_source(prepared, out).hint("the source must exist on the host"));
    const struct stat status = TRY(sys::fstat(prepared.tree.fd()));
    prepared.source_is_directory = S_ISDIR(status.st_mode);
    const bool wants_idmap = prepared.options.idmap || !prepared.mount->uid_mappings.empty();
    if (wants_idmap) {
        auto mapped = set_up_idmap(prepared, out);
        // EINVAL: the file system does not map owners (procfs, NFS), or the source is mapped
        // already.
        const bool goes_without = mapped.is_error() && prepared.options.idmap_is_optional &&
                                  mapped.error().error_number() == EINVAL;
        if (!goes_without)
            TRY(std::move(mapped)
                    .context("map owners")
                    .hint("its file system takes no map of owners: it can be had without one"));
    }
    // What the container mounts there stays there, unless sharing was asked for.
    if (prepared.options.propagation != MS_SHARED)
        TRY(sys::set_attributes(prepared.tree.fd(), {.propagation = MS_SLAVE, .recursive = true}));
    return {};
}

namespace {

// Whether mounts below a path are told to others; when that cannot be seen, they are.
bool is_shared(const std::string& path) {
    const auto fd = sys::open(path, O_PATH);
    const auto about = fd ? sys::read_file(concat("/proc/self/fdinfo/", fd->get()), 4096)
                          : Result<std::string>(std::string());
    if (!about) return true;
    const std::size_t at = about->find("mnt_id:");
    const auto id = at == std::string::npos ? std::nullopt
                                            : parse_uint(trim(std::string_view(*about).substr(
                                                  at + 7, about->find('\n', at) - at - 7)));
    const auto mounts = sys::list_mounts();
    if (!id || !mounts) return true;
    for (const auto& mount : *mounts) {
        if (mount.id == *id) return mount.propagation.find("shared:") != std::string::npos;
    }
    return true;
}

// Since Linux 6.8 mounts are listed in the order in which they were made, so a bind mount is made
// when its turn comes, by the child: its copy of the mount namespace has the same trees. The parent
// makes those that need more: its rights (the child is in a user namespace), its peers (what is
// shared), its procfs (owners are mapped), or its descriptors (a mount that no other namespace
// has).
bool is_childs_to_make(const PreparedMount& prepared, const Preparation& out) {
    const oci::RuntimeMount& mount = *prepared.mount;
    if (out.new_user_namespace || out.user_namespace || out.shares_mounts) return false;
    if (prepared.options.idmap || !mount.uid_mappings.empty() || mount.source.starts_with("/proc/"))
        return false;
    return prepared.options.propagation != MS_SHARED || !is_shared(source_path(mount, out));
}

// A user namespace may show only the sysfs of a network namespace that belongs to it. For the
// others there is the host's.
Result<> prepare_sysfs(PreparedMount& prepared, const Preparation& out) {
    const bool has_user_namespace = out.new_user_namespace || out.user_namespace;
    const bool is_given_both =
        out.options.user_namespace >= 0 && out.options.network_namespace >= 0;
    const bool may_be_refused = has_user_namespace && !out.new_network_namespace && !is_given_both;
    if (!may_be_refused) return {};
    prepared.tree = TRY(sys::clone_tree("/sys", {.recursive = true}));
    return sys::set_attributes(prepared.tree.fd(), {.propagation = MS_SLAVE, .recursive = true});
}

Result<> prepare_mounts(Preparation& out) {
    out.mounts.reserve(out.spec.mounts.size());
    for (const auto& mount : out.spec.mounts) {
        PreparedMount prepared;
        prepared.mount = &mount;
        prepared.options = TRY(parse_mount_options(mount.options));
        if (mount.type == "bind") prepared.options.bind = true;
        if (prepared.options.bind && !is_childs_to_make(prepared, out))
            TRY(prepare_bind(prepared, out)
                    .context("mount ", mount.source, " at ", mount.destination));
        if (mount.type == "sysfs" && !prepared.options.bind) TRY(prepare_sysfs(prepared, out));
        out.mounts.push_back(std::move(prepared));
    }
    return {};
}

bool has_cgroup_mount(const oci::RuntimeSpec& spec) {
    for (const auto& mount : spec.mounts) {
        if (mount.type == "cgroup" || mount.type == "cgroup2") return true;
    }
    return false;
}

Result<> prepare_cgroup(Preparation& out) {
    if (!out.options.cgroup) return {};
    out.cgroup_files = TRY(out.options.cgroup->open_join_files());
    out.cgroup_v2 = TRY(out.options.cgroup->open_v2_directory());
    if (!has_cgroup_mount(out.spec)) return {};
    for (const auto& place : out.options.cgroup->places()) {
        if (place.hierarchy.is_v2) continue;
        PreparedCgroupTree entry{.name = place.hierarchy.name(), .aliases = {}, .tree = {}};
        if (place.hierarchy.controllers.size() > 1) entry.aliases = place.hierarchy.controllers;
        entry.tree = TRY(sys::clone_tree(place.directory).context("show cgroup ", entry.name));
        out.cgroup_trees.push_back(std::move(entry));
    }
    return {};
}

bool has_user_namespace(const Preparation& out) {
    return out.new_user_namespace || out.user_namespace;
}

// Whether a user of the container can be this one of the host.
bool may_be(const Preparation& out, uid_t host_id) {
    const auto& uids = out.spec.linux_config.uid_mappings;
    // A namespace that is joined by its path has maps of its own, and the trees of a caller who is
    // not root are cloned where ids have other numbers.
    const bool is_known = (out.new_user_namespace || out.options.user_namespace >= 0) &&
                          !uids.empty() && !out.id_maps.deny_setgroups;
    return !is_known || std::ranges::any_of(uids, [&](const oci::RuntimeIdMapping& map) {
        return host_id >= map.host_id && host_id - map.host_id < map.size;
    });
}

// Whoever owns a node may change its mode, through a bind mount of it as well. Where that can be a
// user of the container, the mount is read-only; the device is read and written to all the same.
Result<> protect_node(const Preparation& out, sys::BorrowedFd tree) {
    const struct stat node = TRY(sys::fstat(tree));
    if (!may_be(out, node.st_uid)) return {};
    return sys::set_attributes(tree, {.set = MOUNT_ATTR_RDONLY});
}

Result<> prepare_devices(Preparation& out) {
    if (!has_user_namespace(out)) return {};
    for (const auto& device : devices_of(out.spec)) {
        PreparedDevice prepared{.path = device.path, .tree = {}};
        prepared.tree =
            TRY(sys::clone_tree(TRY(find_host_node(device))).context("device ", device.path));
        TRY(protect_node(out, prepared.tree.fd()).context("device ", device.path));
        out.devices.push_back(std::move(prepared));
    }
    return {};
}

}  // namespace

Result<> prepare_trees(Preparation& out) {
    TRY(prepare_root(out));
    TRY(prepare_mounts(out));
    return prepare_devices(out);
}

Result<Preparation> prepare(const oci::RuntimeSpec& spec, const LaunchOptions& options) {
    if (!spec.process) return fail(ErrorCode::InvalidArgument, "config.json has no process");
    Preparation out{.spec = spec, .options = options, .process = *spec.process};
    TRY(prepare_namespaces(out));
    TRY(prepare_id_maps(out));
    TRY(prepare_net_devices(out));
    TRY(prepare_cgroup(out));
    // Without root, trees can be cloned only by the child, inside its user namespace.
    if (::geteuid() == 0) TRY(prepare_trees(out));
    if (::geteuid() == 0 && has_user_namespace(out) && may_be(out, 0))
        out.null = TRY(open_unchangeable_null());
    out.seccomp = TRY(seccomp_program(spec, options.seccomp_cache).context("seccomp"));
    out.seccomp_flags = seccomp_flags(spec);
    return out;
}

}  // namespace berth::runtime
