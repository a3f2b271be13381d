#include "layer/pack.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <map>

#include "layer/path.h"
#include "sys/file.h"
#include "sys/xattr.h"

namespace berth::layer {
namespace {

using codec::TarEntry;
using codec::TarType;

constexpr std::size_t read_buffer_bytes = 256 << 10;
/// Holes of fewer bytes are written as zeros: not every reader of layers knows sparse files.
constexpr std::uint64_t min_sparse_bytes = 1 << 20;
constexpr std::string_view overlay_opaque = "trusted.overlay.opaque";

std::optional<TarType> type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return TarType::File;
        case S_IFDIR: return TarType::Directory;
        case S_IFLNK: return TarType::Symlink;
        case S_IFCHR: return TarType::CharDevice;
        case S_IFBLK: return TarType::BlockDevice;
        case S_IFIFO: return TarType::Fifo;
        default: return std::nullopt;  // sockets
    }
}

/// Walks one tree depth first and writes its entries.
class Packer {
public:
    Packer(codec::ByteSink& sink, const PackOptions& options, std::stop_token stop)
        : tar_(sink), options_(options), stop_(std::move(stop)), buffer_(read_buffer_bytes) {}

    /// What is below a directory. `path` is relative to the tree's root, empty for the root.
    Result<> pack_children(sys::BorrowedFd directory, const std::string& path);
    /// One name of a directory, with what is below it.
    Result<> pack_entry(sys::BorrowedFd directory, const std::string& name,
                        const std::string& path);
    Result<> pack_root(sys::BorrowedFd root);
    /// The latest modification time of a directory's entries; the epoch when it has none.
    static Result<timespec> newest_of(sys::BorrowedFd directory);
    Result<Packed> finish() {
        TRY(tar_.finish());
        return packed_;
    }
    void set_device(dev_t device) { device_ = device; }

private:
    Result<TarEntry> entry_of(sys::BorrowedFd fd, const struct stat& status,
                              const std::string& path, TarType type);
    Result<> write_content(sys::BorrowedFd fd, TarEntry& entry);
    Result<> find_holes(sys::BorrowedFd fd, TarEntry& entry);
    Result<> copy_segment(sys::BorrowedFd fd, std::uint64_t offset, std::uint64_t bytes);
    Result<> add_marker(const std::string& path);
    std::string archive_path(const std::string& path) const;
    Result<> begin(TarEntry& entry) {
        if (options_.edit) options_.edit(entry);
        ++packed_.entries;
        return tar_.begin(entry);
    }

    codec::TarWriter tar_;
    const PackOptions& options_;
    std::stop_token stop_;
    std::vector<std::byte> buffer_;
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
    dev_t device_ = 0;
    Packed packed_;
};

std::string Packer::archive_path(const std::string& path) const {
    if (options_.prefix.empty()) return path.empty() ? "." : path;
    return path.empty() ? options_.prefix : concat(options_.prefix, "/", path);
}

Result<TarEntry> Packer::entry_of(sys::BorrowedFd fd, const struct stat& status,
                                  const std::string& path, TarType type) {
    TarEntry entry;
    entry.type = type;
    entry.path = archive_path(path);
    entry.mode = type == TarType::Symlink ? 0777 : status.st_mode & 07777;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime_seconds = status.st_mtim.tv_sec;
    entry.mtime_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
    if (type == TarType::File) entry.bytes = static_cast<std::uint64_t>(status.st_size);
    if (type == TarType::CharDevice || type == TarType::BlockDevice) {
        entry.device_major = major(status.st_rdev);
        entry.device_minor = minor(status.st_rdev);
    }
    if (!options_.xattrs) return entry;
    for (const std::string& name : TRY(sys::list_xattrs(fd))) {
        if (is_overlay_private(name)) continue;
        auto value = TRY(sys::get_xattr(fd, name));
        if (value) entry.xattrs.emplace_back(name, std::move(*value));
    }
    std::sort(entry.xattrs.begin(), entry.xattrs.end());
    return entry;
}

Result<> Packer::add_marker(const std::string& path) {
    TarEntry entry;
    entry.path = archive_path(path);
    entry.mode = 0600;
    return begin(entry);
}

Result<> Packer::pack_root(sys::BorrowedFd root) {
    struct stat status = TRY(sys::fstat(root));
    // An upper directory's own time says when something was put into it, so that the same step
    // would give another layer every time. What the layer brings says when it is from.
    if (options_.whiteouts == PackWhiteouts::ToArchive) status.st_mtim = TRY(newest_of(root));
    TarEntry entry = TRY(entry_of(root, status, {}, TarType::Directory));
    TRY(begin(entry));
    return {};
}

Result<timespec> Packer::newest_of(sys::BorrowedFd directory) {
    timespec newest{};
    for (const auto& entry : TRY(sys::list_dir(directory))) {
        const struct stat status = TRY(sys::fstatat(directory, entry.name, AT_SYMLINK_NOFOLLOW));
        const bool is_whiteout = S_ISCHR(status.st_mode) && status.st_rdev == 0;
        if (is_whiteout || !type_of(status.st_mode)) continue;
        const auto is_newer = [&] {
            if (status.st_mtim.tv_sec != newest.tv_sec)
                return status.st_mtim.tv_sec > newest.tv_sec;
            return status.st_mtim.tv_nsec > newest.tv_nsec;
        };
        if (is_newer()) newest = status.st_mtim;
    }
    return newest;
}

Result<> Packer::pack_children(sys::BorrowedFd directory, const std::string& path) {
    if (options_.whiteouts == PackWhiteouts::ToArchive) {
        const auto opaque = TRY(sys::get_xattr(directory, std::string(overlay_opaque)));
        if (opaque && *opaque == "y") {
            TRY(add_marker(path.empty() ? std::string(opaque_marker)
                                        : concat(path, "/", opaque_marker)));
        }
    }
    auto entries = TRY(sys::list_dir(directory));
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& entry : entries) {
        TRY(pack_entry(directory, entry.name,
                       path.empty() ? entry.name : concat(path, "/", entry.name)));
    }
    return {};
}

Result<> Packer::pack_entry(sys::BorrowedFd directory, const std::string& name,
                            const std::string& path) {
    if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    sys::Fd fd = TRY(sys::openat(directory, name, O_PATH | O_NOFOLLOW).context(path));
    const struct stat status = TRY(sys::fstat(fd));
    const auto type = type_of(status.st_mode);
    if (!type || (options_.filter && !options_.filter(path, status))) return {};
    const bool is_overlay = options_.whiteouts == PackWhiteouts::ToArchive;
    if (is_overlay && *type == TarType::CharDevice && status.st_rdev == 0) {
        const auto slash = path.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash + 1);
        return add_marker(concat(parent, whiteout_prefix, name));
    }
    // As a name of its own it would read back as a whiteout of something else.
    if (is_overlay && name.starts_with(whiteout_prefix)) {
        return fail(ErrorCode::InvalidArgument, path,
                    ": a layer cannot hold names that begin with ", whiteout_prefix);
    }
    // By its name a racing container could have us open a device in place of the file.
    if (*type == TarType::File) fd = TRY(sys::reopen(fd, O_RDONLY | O_NONBLOCK).context(path));
    if (*type == TarType::Directory) {
        fd = TRY(sys::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY).context(path));
        const struct stat again = TRY(sys::fstat(fd));
        if (again.st_ino != status.st_ino || again.st_dev != status.st_dev) {
            return fail(ErrorCode::Conflict, path, " was replaced while being read");
        }
    }
    if (*type != TarType::Directory && status.st_nlink > 1) {
        const auto [first, is_new] = links_.try_emplace({status.st_dev, status.st_ino}, path);
        if (!is_new) {
            TarEntry link;
            link.type = TarType::HardLink;
            link.path = archive_path(path);
            link.link_target = archive_path(first->second);
            link.mode = status.st_mode & 07777;
            link.uid = status.st_uid;
            link.gid = status.st_gid;
            link.mtime_seconds = status.st_mtim.tv_sec;
            link.mtime_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
            return begin(link);
        }
    }
    TarEntry entry = TRY(entry_of(fd, status, path, *type).context(path));
    if (*type == TarType::Symlink) entry.link_target = TRY(sys::readlink_at(fd, "").context(path));
    if (*type == TarType::File) return write_content(fd, entry).context(path);
    TRY(begin(entry));
    if (*type != TarType::Directory) return {};
    if (!options_.cross_devices && status.st_dev != device_) return {};
    return pack_children(fd, path);
}

Result<> Packer::find_holes(sys::BorrowedFd fd, TarEntry& entry) {
    std::uint64_t position = 0;
    std::uint64_t stored = 0;
    while (position < entry.bytes) {
        auto data = sys::seek(fd, static_cast<std::int64_t>(position), SEEK_DATA);
        if (data.is_error() && data.error().error_number() == ENXIO) break;  // a hole up to the end
        if (data.is_error()) return {};  // no support: not sparse
        const std::uint64_t start = *data;
        const std::uint64_t end =
            std::min(TRY(sys::seek(fd, static_cast<std::int64_t>(start), SEEK_HOLE)), entry.bytes);
        if (end <= start) break;
        entry.segments.emplace_back(start, end - start);
        stored += end - start;
        position = end;
    }
    entry.is_sparse = entry.bytes - stored >= min_sparse_bytes;
    if (!entry.is_sparse) entry.segments.clear();
    return {};
}

Result<> Packer::write_content(sys::BorrowedFd fd, TarEntry& entry) {
    const struct stat status = TRY(sys::fstat(fd));
    if (static_cast<std::uint64_t>(status.st_blocks) * 512 + min_sparse_bytes <= entry.bytes) {
        TRY(find_holes(fd, entry));
    }
    TRY(begin(entry));
    packed_.bytes += entry.bytes;
    if (!entry.is_sparse) return copy_segment(fd, 0, entry.bytes);
    for (const auto& [offset, length] : entry.segments) TRY(copy_segment(fd, offset, length));
    return {};
}

Result<> Packer::copy_segment(sys::BorrowedFd fd, std::uint64_t offset, std::uint64_t bytes) {
    while (bytes > 0) {
        if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        const auto wanted =
            std::span(buffer_).first(std::min<std::uint64_t>(bytes, buffer_.size()));
        std::size_t got = TRY(sys::pread(fd, wanted, offset));
        if (got == 0) {
            // The file shrank since its header was written; the archive must stay whole, as GNU tar
            // does it.
            std::fill(wanted.begin(), wanted.end(), std::byte{0});
            got = wanted.size();
        }
        TRY(tar_.write_content(wanted.first(got)));
        offset += got;
        bytes -= got;
    }
    return {};
}

}  // namespace

Result<Packed> pack(sys::BorrowedFd directory, codec::ByteSink& tar, const PackOptions& options,
                    std::stop_token stop) {
    // The caller's descriptor may be O_PATH, and its position is not ours to move.
    const sys::Fd root = TRY(sys::openat(directory, ".", O_RDONLY | O_DIRECTORY));
    Packer packer(tar, options, std::move(stop));
    packer.set_device(TRY(sys::fstat(root)).st_dev);
    if (options.include_root) TRY(packer.pack_root(root));
    TRY(packer.pack_children(root, {}));
    return packer.finish();
}

Result<Packed> pack_path(sys::BorrowedFd root, const std::string& path, codec::ByteSink& tar,
                         const PackOptions& options, std::stop_token stop) {
    auto names = TRY(split_path(path));
    if (names.empty()) {
        PackOptions whole = options;
        whole.include_root = true;
        return pack(root, tar, whole, std::move(stop));
    }
    const std::string name = std::move(names.back());
    names.pop_back();
    const std::string parent = names.empty() ? "." : join(names, "/");
    const sys::Fd directory =
        TRY(sys::open_in_root(root, parent, O_RDONLY | O_DIRECTORY).context(path));
    Packer packer(tar, options, std::move(stop));
    const struct stat status =
        TRY(sys::fstatat(directory, name, AT_SYMLINK_NOFOLLOW).context(path));
    packer.set_device(status.st_dev);
    TRY(packer.pack_entry(directory, name, name));
    return packer.finish();
}

}  // namespace berth::layer
