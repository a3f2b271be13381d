#include "layer/extract.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <set>

#include "codec/tar.h"
#include "layer/erofs_writer.h"
#include "layer/foreign.h"
#include "layer/path.h"
#include "sys/file.h"
#include "sys/xattr.h"

namespace berth::layer {
namespace {

using codec::TarEntry;
using codec::TarType;

/// Unpacks entries one by one. Nothing here joins a path that the kernel then resolves again: a
/// parent is opened once through openat2, and everything happens to single names in it.
class Extractor {
public:
    Extractor(sys::BorrowedFd root, const ExtractOptions& options)
        : root_(root), options_(options) {}
    Result<> add(const TarEntry& entry, codec::TarReader& tar);
    Result<> finish();
    Extracted extracted;

private:
    struct Existing {
        bool is_there = false;
        bool is_directory = false;
        bool is_whiteout = false;
    };
    Result<> open_parent(const std::vector<std::string>& names);
    Result<> make_parents(const std::vector<std::string>& names);
    Result<Existing> look_at(const std::string& name) const;
    Result<> make_room(const std::string& name, const Existing& existing, bool for_directory);
    Result<> add_directory(const TarEntry& entry, const std::string& name);
    Result<> add_file(const TarEntry& entry, const std::string& name, codec::TarReader& tar);
    Result<> write_content(sys::BorrowedFd fd, const TarEntry& entry, codec::TarReader& tar);
    Result<> add_hard_link(const TarEntry& entry, const std::string& name);
    Result<> add_node(const TarEntry& entry, const std::string& name);
    Result<> add_whiteout(const std::string& name, NameKind kind);
    Result<> set_attributes(sys::BorrowedFd fd, const TarEntry& entry);
    Result<> mark_opaque(sys::BorrowedFd directory);

    sys::BorrowedFd root_;
    const ExtractOptions& options_;
    std::vector<std::string> parent_names_;
    sys::Fd parent_;
    bool is_parent_stale_ = false;
    /// Times of directories are set last: every name made in them changes them.
    std::vector<std::pair<std::string, timespec>> directory_times_;
};

timespec time_of(const TarEntry& entry) {
    return {.tv_sec = entry.mtime_seconds, .tv_nsec = static_cast<long>(entry.mtime_nanoseconds)};
}

Result<> Extractor::open_parent(const std::vector<std::string>& names) {
    // Entries of one directory mostly follow each other.
    if (parent_ && !is_parent_stale_ && names == parent_names_) return {};
    is_parent_stale_ = false;
    const std::string path = names.empty() ? "." : join(names, "/");
    auto parent = sys::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
    if (parent.is_error() && parent.error().is(ErrorCode::NotFound)) {
        TRY(make_parents(names));
        parent = sys::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
    }
    parent_ = TRY(std::move(parent));
    parent_names_ = names;
    return {};
}

Result<> Extractor::make_parents(const std::vector<std::string>& names) {
    sys::Fd directory = TRY(sys::openat(root_, ".", O_RDONLY | O_DIRECTORY));
    std::string path;
    for (const std::string& name : names) {
        path += path.empty() ? name : concat("/", name);
        auto next = sys::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
        if (next.is_error() && next.error().is(ErrorCode::NotFound)) {
            const auto hidden = sys::fstatat(directory, name, AT_SYMLINK_NOFOLLOW);
            if (!hidden.is_error() && S_ISLNK(hidden->st_mode)) {
                return fail(ErrorCode::InvalidArgument, "\"", name, "\" is a link to nothing");
            }
            TRY(sys::mkdir_at(directory, name, 0755));
            TRY(sys::fchmod(TRY(sys::open_beneath(directory, name, O_RDONLY | O_DIRECTORY)), 0755));
            next = sys::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
            if (options_.uid || options_.gid || options_.id_shift != 0) {
                TRY(sys::chown_at(directory, name, options_.uid.value_or(0) + options_.id_shift,
                                  options_.gid.value_or(0) + options_.id_shift));
            }
        }
        directory = TRY(std::move(next));
    }
    return {};
}

Result<Extractor::Existing> Extractor::look_at(const std::string& name) const {
    const auto status = sys::fstatat(parent_, name, AT_SYMLINK_NOFOLLOW);
    if (status.is_error()) {
        if (status.error().is(ErrorCode::NotFound)) return Existing();
        return status.error().clone();
    }
    return Existing{.is_there = true,
                    .is_directory = S_ISDIR(status->st_mode),
                    .is_whiteout = S_ISCHR(status->st_mode) && status->st_rdev == 0};
}

Result<> Extractor::make_room(const std::string& name, const Existing& existing,
                              bool for_directory) {
    if (!existing.is_there) return {};
    if (options_.keep_kinds && existing.is_directory != for_directory) {
        return fail(ErrorCode::Conflict, "cannot overwrite ",
                    existing.is_directory ? "directory" : "non-directory", " with ",
                    for_directory ? "directory" : "non-directory");
    }
    is_parent_stale_ =
        true;  // the path of the kept parent may have led through what is removed here
    return sys::remove_tree_at(parent_, name);
}

Result<> Extractor::set_attributes(sys::BorrowedFd fd, const TarEntry& entry) {
    // The order matters: a change of owner clears set-id bits and file capabilities.
    TRY(sys::fchown(fd, options_.uid.value_or(entry.uid) + options_.id_shift,
                    options_.gid.value_or(entry.gid) + options_.id_shift));
    if (entry.type != TarType::Symlink) TRY(sys::fchmod(fd, entry.mode));
    if (!options_.xattrs) return {};
    for (const auto& [name, value] : entry.xattrs) {
        if (!is_storable_xattr(name) || name.starts_with("trusted.overlay.")) continue;
        auto outcome = sys::set_xattr(fd, name, value);
        if (!outcome.is_error()) continue;
        // ENOTSUP: the file system holds none. EPERM: Linux has no user attributes on links and
        // devices.
        const bool is_tolerable =
            outcome.error().is(ErrorCode::Unsupported) ||
            (outcome.error().is(ErrorCode::PermissionDenied) && name.starts_with("user."));
        if (!is_tolerable) return outcome;
    }
    return {};
}

Result<> Extractor::mark_opaque(sys::BorrowedFd directory) {
    return sys::set_xattr(directory, "trusted.overlay.opaque", "y");
}

Result<> Extractor::add(const TarEntry& entry, codec::TarReader& tar) {
    auto names = TRY(split_path(entry.path));
    if (options_.whiteouts != Whiteouts::Keep) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            const NameKind kind = TRY(kind_of_name(names[i]));
            if (kind == NameKind::Ignored) return {};
            if (kind != NameKind::Ordinary && i + 1 < names.size()) {
                return fail(ErrorCode::InvalidArgument, "a whiteout in the middle of a path");
            }
        }
    }
    if (names.empty()) {
        if (entry.type != TarType::Directory)
            return fail(ErrorCode::InvalidArgument, "the root is not a directory");
        if (options_.keep_directories) return {};
        const sys::Fd root = TRY(sys::openat(root_, ".", O_RDONLY | O_DIRECTORY));
        directory_times_.emplace_back(".", time_of(entry));
        return set_attributes(root, entry);
    }
    const std::string name = std::move(names.back());
    names.pop_back();
    TRY(open_parent(names));
    if (options_.whiteouts != Whiteouts::Keep) {
        const NameKind kind = TRY(kind_of_name(name));
        if (kind != NameKind::Ordinary) return add_whiteout(name, kind);
    }
    switch (entry.type) {
        case TarType::Directory: return add_directory(entry, name);
        case TarType::File: return add_file(entry, name, tar);
        case TarType::HardLink: return add_hard_link(entry, name);
        case TarType::Symlink:
        case TarType::CharDevice:
        case TarType::BlockDevice:
        case TarType::Fifo: return add_node(entry, name);
    }
    return {};
}

Result<> Extractor::add_directory(const TarEntry& entry, const std::string& name) {
    const Existing existing = TRY(look_at(name));
    if (!existing.is_directory) {
        TRY(make_room(name, existing, true));
        TRY(sys::mkdir_at(parent_, name, 0700));
    }
    const sys::Fd fd = TRY(sys::open_beneath(parent_, name, O_RDONLY | O_DIRECTORY));
    if (existing.is_whiteout && options_.whiteouts == Whiteouts::Overlay) TRY(mark_opaque(fd));
    if (existing.is_directory && options_.keep_directories) return {};
    directory_times_.emplace_back(entry.path, time_of(entry));
    return set_attributes(fd, entry);
}

Result<> Extractor::add_file(const TarEntry& entry, const std::string& name,
                             codec::TarReader& tar) {
    if (entry.bytes > options_.limit_bytes - extracted.bytes) {
        return fail(ErrorCode::InvalidArgument, "the archive's content exceeds ",
                    options_.limit_bytes, " bytes");
    }
    TRY(make_room(name, TRY(look_at(name)), false));
    const sys::Fd fd =
        TRY(sys::openat(parent_, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    auto written = write_content(fd, entry, tar);
    if (written.is_error()) {
        // Half a file is worse than none: it looks whole, and on a full disk it takes the room that
        // is needed.
        sys::unlink_at(parent_, name).ignore("the write's own error is the one to tell");
        return written;
    }
    extracted.bytes += entry.bytes;
    TRY(set_attributes(fd, entry));
    return sys::set_times(fd, time_of(entry), time_of(entry));
}

Result<> Extractor::write_content(sys::BorrowedFd fd, const TarEntry& entry,
                                  codec::TarReader& tar) {
    std::uint64_t position = 0;
    std::size_t segment = 0;
    std::uint64_t done = 0;
    for (;;) {
        auto bytes = TRY(tar.read_content());
        if (bytes.empty()) break;
        while (!bytes.empty()) {
            auto piece = bytes;
            if (entry.is_sparse) {
                const auto& [start, length] = entry.segments[segment];
                piece = bytes.first(std::min<std::uint64_t>(bytes.size(), length - done));
                position = start + done;
                done += piece.size();
                if (done == length) ++segment, done = 0;
            }
            TRY(sys::pwrite_all(fd, piece, position));
            position += piece.size();
            bytes = bytes.subspan(piece.size());
        }
    }
    if (entry.is_sparse) TRY(sys::ftruncate(fd, entry.bytes));
    return {};
}

Result<> Extractor::add_hard_link(const TarEntry& entry, const std::string& name) {
    auto names = TRY(split_path(entry.link_target).context("link to ", entry.link_target));
    if (names.empty()) return fail(ErrorCode::InvalidArgument, "hard link to the root");
    const std::string target = std::move(names.back());
    names.pop_back();
    const sys::Fd directory =
        TRY(sys::open_in_root(root_, names.empty() ? "." : join(names, "/"), O_PATH | O_DIRECTORY)
                .context("hard link to ", entry.link_target));
    const struct stat status = TRY(sys::fstatat(directory, target, AT_SYMLINK_NOFOLLOW)
                                       .context("hard link to ", entry.link_target));
    if (S_ISDIR(status.st_mode)) {
        return fail(ErrorCode::InvalidArgument, "hard link to ", entry.link_target,
                    ", which is a directory");
    }
    const auto present = sys::fstatat(parent_, name, AT_SYMLINK_NOFOLLOW);
    if (!present.is_error() && present->st_ino == status.st_ino && present->st_dev == status.st_dev)
        return {};
    TRY(make_room(name, TRY(look_at(name)), false));
    return sys::link_at(directory, target, parent_, name)
        .context("hard link to ", entry.link_target);
}

Result<> Extractor::add_node(const TarEntry& entry, const std::string& name) {
    const bool is_device = entry.type == TarType::CharDevice || entry.type == TarType::BlockDevice;
    if (is_device && !options_.devices)
        return fail(ErrorCode::PermissionDenied, "device nodes are not allowed here");
    TRY(make_room(name, TRY(look_at(name)), false));
    if (entry.type == TarType::Symlink) {
        TRY(sys::symlink_at(entry.link_target, parent_, name));
    } else {
        const mode_t kind = entry.type == TarType::CharDevice    ? S_IFCHR
                            : entry.type == TarType::BlockDevice ? S_IFBLK
                                                                 : S_IFIFO;
        TRY(sys::mknod_at(parent_, name, kind | 0600,
                          is_device ? makedev(entry.device_major, entry.device_minor) : 0));
    }
    const sys::Fd fd = TRY(sys::openat(parent_, name, O_PATH | O_NOFOLLOW));
    TRY(set_attributes(fd, entry));
    return sys::set_times_at(parent_, name, time_of(entry), time_of(entry));
}

Result<> Extractor::add_whiteout(const std::string& name, NameKind kind) {
    const bool is_overlay = options_.whiteouts == Whiteouts::Overlay;
    if (kind == NameKind::Opaque) {
        if (is_overlay) return mark_opaque(parent_);
        for (const auto& entry : TRY(sys::list_dir(parent_)))
            TRY(sys::remove_tree_at(parent_, entry.name));
        return {};
    }
    const std::string hidden = name.substr(whiteout_prefix.size());
    if (!is_overlay) {
        is_parent_stale_ = true;
        return sys::remove_tree_at(parent_, hidden);
    }
    const Existing existing = TRY(look_at(hidden));
    // What this layer has under the name itself stays; see LayerWriter::add_whiteout().
    if (existing.is_directory) {
        const sys::Fd fd = TRY(sys::open_beneath(parent_, hidden, O_RDONLY | O_DIRECTORY));
        return mark_opaque(fd);
    }
    if (existing.is_there) return {};
    return sys::mknod_at(parent_, hidden, S_IFCHR, 0);
}

Result<> Extractor::finish() {
    std::set<std::string> done;
    for (auto entry = directory_times_.rbegin(); entry != directory_times_.rend(); ++entry) {
        if (!done.insert(entry->first).second) continue;
        const auto names = TRY(split_path(entry->first));
        const auto fd = sys::open_in_root(root_, names.empty() ? "." : join(names, "/"),
                                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd.is_error()) continue;  // replaced by a later entry
        TRY(sys::set_times(*fd, entry->second, entry->second));
    }
    return {};
}

}  // namespace

Result<Extracted> extract(codec::ByteSource& archive, sys::BorrowedFd directory,
                          const ExtractOptions& options, std::stop_token stop) {
    const auto plain = TRY(open_any_decompressor(archive));
    codec::TarReader tar(*plain);
    Extractor extractor(directory, options);
    for (;;) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        const auto entry = TRY(tar.next());
        if (!entry) break;
        TRY(extractor.add(*entry, tar).context(entry->path));
        ++extractor.extracted.entries;
    }
    TRY(tar.drain());
    TRY(extractor.finish());
    return extractor.extracted;
}

}  // namespace berth::layer
