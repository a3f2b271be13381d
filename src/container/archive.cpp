#include <algorithm>

#include "base/path.h"
#include "container/fd_stream_internal.h"
#include "container/implementation_internal.h"
#include "container/mount_plan.h"
#include "container/users.h"
#include "layer/changes.h"
#include "layer/extract.h"
#include "layer/pack.h"
#include "sys/capability.h"
#include "sys/file.h"
#include "volume/store.h"

// Files in and out of containers. A running container is reached through its process's root, a
// stopped one by mounting its root for the occasion; in both cases every path is resolved inside
// that root, whatever links the container has planted.
namespace berth::container {
namespace {

// Go's FileMode bits.
constexpr std::uint32_t go_directory = 1u << 31, go_symlink = 1u << 27, go_device = 1u << 26,
                        go_fifo = 1u << 25, go_socket = 1u << 24, go_setuid = 1u << 23,
                        go_setgid = 1u << 22, go_char_device = 1u << 21, go_sticky = 1u << 20;

std::uint32_t go_mode(mode_t mode) {
    std::uint32_t out = mode & 0777;
    if (S_ISDIR(mode)) out |= go_directory;
    if (S_ISLNK(mode)) out |= go_symlink;
    if (S_ISBLK(mode)) out |= go_device;
    if (S_ISCHR(mode)) out |= go_device | go_char_device;
    if (S_ISFIFO(mode)) out |= go_fifo;
    if (S_ISSOCK(mode)) out |= go_socket;
    if (mode & S_ISUID) out |= go_setuid;
    if (mode & S_ISGID) out |= go_setgid;
    if (mode & S_ISVTX) out |= go_sticky;
    return out;
}

/// A path split where links stop being followed: the last component is taken as it is, unless the
/// path ends in "/" or
/// "/.", which say that a directory is meant.
struct PathParts {
    std::string parent, name;
    bool wants_directory = false;
    bool wants_content = false;  // ends in "/."
};
PathParts split_path(const std::string& path) {
    const std::string clean = clean_absolute_path(path);
    const std::size_t slash = clean.rfind('/');
    return {.parent = clean.substr(0, std::max<std::size_t>(slash, 1)),
            .name = clean.substr(slash + 1),
            .wants_directory = path.ends_with('/') || path.ends_with("/."),
            .wants_content = path.ends_with("/.")};
}

// `key` is the container as the caller called it.
Error not_found(const std::string& path, std::string_view key) {
    return fail(ErrorCode::NotFound, "Could not find the file ", path, " in container ", key);
}

/// What a path names, opened without following a link at its end.
struct Found {
    sys::Fd file;  // O_PATH
    struct stat about {};
    PathParts parts;
    std::string link_target;
};

Result<Found> find_path(sys::BorrowedFd root, const std::string& path, std::string_view key) {
    Found out{.parts = split_path(path)};
    const bool follows = out.parts.wants_directory || out.parts.name.empty();
    auto file = sys::open_in_root(root, clean_absolute_path(path),
                                  follows ? O_PATH | O_DIRECTORY : O_PATH | O_NOFOLLOW);
    if (!file) {
        if (file.error().is(ErrorCode::NotFound)) return not_found(path, key);
        return std::move(file).error();
    }
    out.about = TRY(sys::fstat(*file));
    if (S_ISLNK(out.about.st_mode)) {
        const std::string target = TRY(sys::readlink_at(*file, ""));
        out.link_target = clean_absolute_path(
            target.starts_with('/') ? target : concat(out.parts.parent, "/", target));
    }
    out.file = std::move(*file);
    return out;
}

PathStat stat_of(const Found& found) {
    return {.name = found.parts.name.empty() ? "/" : found.parts.name,
            .size = found.about.st_size,
            .go_mode = go_mode(found.about.st_mode),
            .modified = Timestamp(std::chrono::seconds(found.about.st_mtim.tv_sec) +
                                  std::chrono::nanoseconds(found.about.st_mtim.tv_nsec)),
            .link_target = found.link_target};
}

// Ids that no container of this kind has are nobody's to it.
layer::PackOptions unshifted(layer::PackOptions options, std::uint32_t shift) {
    if (shift == 0) return options;
    const auto inside = [shift](std::uint32_t id) {
        return id - shift < 65'536 ? id - shift : 65'534u;
    };
    options.edit = [inside](codec::TarEntry& entry) {
        entry.uid = inside(static_cast<std::uint32_t>(entry.uid));
        entry.gid = inside(static_cast<std::uint32_t>(entry.gid));
    };
    return options;
}

Result<> pack_found(sys::BorrowedFd root, const Found& found, codec::ByteSink& sink,
                    std::uint32_t id_shift, std::stop_token stop) {
    if (!S_ISDIR(found.about.st_mode)) {
        const sys::Fd parent =
            TRY(sys::open_in_root(root, found.parts.parent, O_RDONLY | O_DIRECTORY));
        TRY(layer::pack_path(parent, found.parts.name, sink, unshifted({}, id_shift), stop));
        return {};
    }
    const sys::Fd directory = TRY(sys::reopen(found.file, O_RDONLY | O_DIRECTORY));
    const bool is_root = found.parts.name.empty();
    const layer::PackOptions options{
        .prefix = found.parts.wants_content || is_root ? "" : found.parts.name,
        .include_root = true,
        .cross_devices = !is_root};  // volumes below, but not /proc and /sys
    TRY(layer::pack(directory, sink, unshifted(options, id_shift), stop));
    return {};
}

}  // namespace

const MountRequest* find_covering_mount(const Container& container, std::string_view path) {
    const MountRequest* covering = nullptr;
    for (const MountRequest& mount : container.mounts) {
        const bool covers = path == mount.target || path.starts_with(mount.target + "/");
        const bool has_files = mount.type == MountType::Bind || mount.type == MountType::Volume;
        if (covers && has_files &&
            (covering == nullptr || mount.target.size() > covering->target.size()))
            covering = &mount;
    }
    return covering;
}

Result<sys::Fd> Containers::Implementation::open_mount_source(const MountRequest& mount,
                                                              int flags) const {
    if (mount.type != MountType::Volume) return sys::open(mount.source, flags);
    const std::string path = TRY(services_.volumes.mount_source(mount.source)).source;
    if (mount.subpath.empty()) return sys::open(path, flags);
    const sys::Fd whole = TRY(sys::open(path, O_PATH | O_DIRECTORY));
    return sys::open_beneath(whole, part_beneath(mount), flags);
}

Result<Containers::Implementation::RootAccess> Containers::Implementation::access_root(
    Container& container, const std::string& path) {
    RootAccess out{.path = clean_absolute_path(path)};
    // Kept as the caller wrote it at its end, where it means something.
    if (path.ends_with("/."))
        out.path += "/.";
    else if (path.ends_with('/') && out.path != "/")
        out.path += "/";
    out.lock = std::unique_lock(container.operation);
    const State state = container.state();
    const auto spec = container.spec();
    if (is_alive(state.status) && state.pid > 0) {
        out.root = TRY(sys::open(concat("/proc/", state.pid, "/root"), O_PATH | O_DIRECTORY));
        if (spec->user_ids) out.id_shift = spec->user_ids->first;
        out.lock.unlock();
        return out;
    }
    const MountRequest* covering = find_covering_mount(container, out.path);
    if (covering != nullptr) {
        out.read_only = covering->read_only;
        const bool is_itself = clean_absolute_path(out.path) == covering->target;
        out.path = is_itself ? "/." : out.path.substr(covering->target.size());
        out.root = TRY(open_mount_source(*covering, O_PATH | O_DIRECTORY));
        return out;
    }
    out.mount = TRY(mount_root_for_files(container, *spec));
    out.root = TRY(sys::duplicate(out.mount.fd()));
    return out;
}

Result<PathStat> Containers::stat_path(std::string_view key, const std::string& path) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto access = TRY(implementation_->access_root(*container, path));
    const Found found = TRY(find_path(access.root, access.path, key));
    PathStat out = stat_of(found);
    if (const std::string name = split_path(path).name; !name.empty()) out.name = name;
    return out;
}

Result<PathStat> Containers::copy_out(std::string_view key, const std::string& path,
                                      const std::function<Result<>(const PathStat&)>& begin,
                                      const ByteSink& sink, std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto access = TRY(implementation_->access_root(*container, path));
    Found found = TRY(find_path(access.root, access.path, key));
    PathStat about = stat_of(found);
    // A whole volume is packed under the name it has in the container.
    const PathParts asked = split_path(path);
    if (!asked.name.empty()) {
        about.name = asked.name;
        if (found.parts.name.empty()) found.parts.name = asked.name;
        found.parts.wants_content = asked.wants_content;
    }
    TRY(begin(about));
    implementation_->emit(*container, "archive-path");
    CallbackSink stream(sink);
    TRY(pack_found(access.root, found, stream, access.id_shift, stop));
    return about;
}

Result<> Containers::copy_in(std::string_view key, const std::string& path,
                             const CopyInOptions& options, const ByteSource& source,
                             std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto spec = container->spec();
    const auto access = TRY(implementation_->access_root(*container, path));
    auto directory =
        sys::open_in_root(access.root, clean_absolute_path(access.path), O_RDONLY | O_DIRECTORY);
    if (!directory) {
        if (directory.error().is(ErrorCode::NotFound)) return not_found(path, key);
        if (directory.error().error_number() == ENOTDIR)
            return fail(ErrorCode::InvalidArgument, "extraction point is not a directory");
        return std::move(directory).error();
    }
    if (access.read_only)
        return fail(ErrorCode::PermissionDenied, "mounted volume is marked read-only");
    if (spec->host.read_only_rootfs && access.mount)
        return fail(ErrorCode::PermissionDenied, "container rootfs is marked read-only");
    layer::ExtractOptions how{.id_shift = access.id_shift,
                              .keep_kinds = options.no_overwrite_dir_non_dir,
                              .keep_directories = true};
    if (options.copy_uid_gid && !spec->user.empty()) {
        const AccountFiles files = TRY(read_account_files(access.root));
        const ResolvedUser user = TRY(resolve_user(files, spec->user));
        how.uid = user.uid;
        how.gid = user.gid;
    }
    // Mounts that map owners hold files of the container's ids only.
    std::optional<sys::ActingAs> as_root;
    if (access.id_shift != 0)
        as_root.emplace(TRY(sys::ActingAs::begin(access.id_shift, access.id_shift)));
    CallbackSource stream(source);
    auto extracted = layer::extract(stream, *directory, how, stop);
    if (!extracted) {
        if (extracted.error().error_number() == EROFS)
            return fail(ErrorCode::PermissionDenied, "container rootfs is marked read-only");
        return std::move(extracted).error();
    }
    implementation_->emit(*container, "extract-to-dir");
    return {};
}

Result<> Containers::export_tree(std::string_view key, const ByteSink& sink, std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto access = TRY(implementation_->access_root(*container, "/"));
    const sys::Fd directory = TRY(sys::open_in_root(access.root, "/", O_RDONLY | O_DIRECTORY));
    CallbackSink stream(sink);
    TRY(layer::pack(directory, stream, unshifted({}, access.id_shift), stop));
    implementation_->emit(*container, "export");
    return {};
}

Result<std::vector<Change>> Containers::changes(std::string_view key) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    const sys::Fd upper = TRY(implementation_->open_upper(*container, *container->spec()));
    const sys::DetachedMount lower =
        TRY(implementation_->services_.snapshots.mount_root({.layers = container->layers}));
    const sys::Fd lower_root = TRY(sys::open_in_root(lower.fd(), "/", O_RDONLY | O_DIRECTORY));
    std::vector<Change> out;
    for (const layer::Change& change :
         TRY(layer::list_changes(upper, sys::BorrowedFd(lower_root)))) {
        const ChangeKind kind = change.kind == layer::ChangeKind::Added     ? ChangeKind::Added
                                : change.kind == layer::ChangeKind::Deleted ? ChangeKind::Deleted
                                                                            : ChangeKind::Modified;
        out.push_back({change.path, kind});
    }
    return out;
}

}  // namespace berth::container
