#include "sys/dir.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/random.h"
#include "sys/file.h"
#include "sys/retry_internal.h"

namespace berth::sys {

Result<> mkdir_at(BorrowedFd dir, const std::string& name, mode_t mode) {
    if (::mkdirat(dir.get(), name.c_str(), mode) != 0) return Error::from_errno("mkdir", errno);
    return {};
}

Result<> mkdir_all(const std::string& path, mode_t mode) {
    // The common case first: the parents exist.
    if (::mkdir(path.c_str(), mode) == 0) return {};
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string prefix = path.substr(0, end);
        if (!prefix.empty() && ::mkdir(prefix.c_str(), mode) != 0 && errno != EEXIST) {
            // A read-only parent answers EROFS even for a directory that exists.
            struct stat status;
            const int mkdir_errno = errno;
            if (::stat(prefix.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
                return Error::from_errno("mkdir", mkdir_errno).with_context(prefix);
            }
        }
        if (end == std::string::npos) break;
    }
    struct stat status;
    if (::stat(path.c_str(), &status) != 0)
        return Error::from_errno("stat", errno).with_context(path);
    if (!S_ISDIR(status.st_mode)) return Error::from_errno("mkdir", ENOTDIR).with_context(path);
    return {};
}

Result<> rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return Error::from_errno("rename", errno);
    return {};
}

Result<> rename_at(BorrowedFd from_dir, const std::string& from, BorrowedFd to_dir,
                   const std::string& to, unsigned flags) {
    if (::renameat2(from_dir.get(), from.c_str(), to_dir.get(), to.c_str(), flags) != 0) {
        return Error::from_errno("rename", errno);
    }
    return {};
}

Result<> unlink_at(BorrowedFd dir, const std::string& name, int flags) {
    if (::unlinkat(dir.get(), name.c_str(), flags) != 0) return Error::from_errno("unlink", errno);
    return {};
}

Result<> unlink(const std::string& path) { return unlink_at(AT_FDCWD, path); }

Result<> link_at(BorrowedFd from_dir, const std::string& from, BorrowedFd to_dir,
                 const std::string& to) {
    if (::linkat(from_dir.get(), from.c_str(), to_dir.get(), to.c_str(), 0) != 0) {
        return Error::from_errno("link", errno);
    }
    return {};
}

Result<> symlink_at(const std::string& target, BorrowedFd dir, const std::string& name) {
    if (::symlinkat(target.c_str(), dir.get(), name.c_str()) != 0)
        return Error::from_errno("symlink", errno);
    return {};
}

Result<std::string> readlink_at(BorrowedFd dir, const std::string& name) {
    std::array<char, PATH_MAX + 1> target;
    const ssize_t length = ::readlinkat(dir.get(), name.c_str(), target.data(), target.size());
    if (length < 0) return Error::from_errno("readlink", errno);
    return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::string> readlink(const std::string& path) { return readlink_at(AT_FDCWD, path); }

Result<> mknod_at(BorrowedFd dir, const std::string& name, mode_t mode, dev_t device) {
    if (::mknodat(dir.get(), name.c_str(), mode, device) != 0)
        return Error::from_errno("mknod", errno);
    return {};
}

Result<std::vector<DirEntry>> list_dir(BorrowedFd dir) {
    // A descriptor of its own: closedir() closes what fdopendir() was given.
    Fd copy = TRY(openat(dir, ".", O_RDONLY | O_DIRECTORY));
    DIR* stream = ::fdopendir(copy.get());
    if (stream == nullptr) return Error::from_errno("fdopendir", errno);
    copy.release();
    std::vector<DirEntry> entries;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream);
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            entries.push_back(
                {.name = std::string(name), .type = entry->d_type, .inode = entry->d_ino});
        }
    }
    const int read_errno = errno;
    ::closedir(stream);
    if (read_errno != 0) return Error::from_errno("readdir", read_errno);
    return entries;
}

Result<std::vector<DirEntry>> list_dir(const std::string& path) {
    const Fd dir = TRY(open(path, O_RDONLY | O_DIRECTORY).context(path));
    return list_dir(dir).context(path);
}

namespace {

/// Unlinks `name`, or reports that it is a directory (false).
Result<bool> unlink_file(BorrowedFd dir, const std::string& name) {
    if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) return true;
    // EPERM is what POSIX says for a directory, and what an immutable file gives; opening tells
    // them apart.
    if (errno == EISDIR || errno == EPERM) return false;
    return Error::from_errno("unlink", errno).with_context(name);
}

struct Level {
    Fd dir;
    std::string name;  ///< of this directory in its parent
    std::vector<DirEntry> rest;
};

Result<Level> enter(BorrowedFd parent, std::string name) {
    Level level;
    level.dir = TRY(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).context(name));
    level.name = std::move(name);
    level.rest = TRY(list_dir(level.dir).context(level.name));
    return level;
}

/// Descriptors kept open at once while removing; below this depth a tree is flattened first, see
/// remove_tree_at.
constexpr std::size_t max_open_levels = 256;

}  // namespace

Result<> remove_tree_at(BorrowedFd dir, const std::string& name) {
    if (TRY(unlink_file(dir, name))) return {};
    const struct stat root = TRY(fstatat(dir, name, AT_SYMLINK_NOFOLLOW).context(name));
    std::vector<Level> levels;
    levels.push_back(TRY(enter(dir, name)));
    while (!levels.empty()) {
        Level& level = levels.back();
        if (level.rest.empty()) {
            const std::string done = std::move(level.name);
            levels.pop_back();
            const BorrowedFd parent = levels.empty() ? dir : BorrowedFd(levels.back().dir);
            auto removed = unlink_at(parent, done, AT_REMOVEDIR);
            if (removed.is_error() && !removed.error().is(ErrorCode::NotFound)) {
                return std::move(removed).context(done);
            }
            continue;
        }
        const DirEntry entry = std::move(level.rest.back());
        level.rest.pop_back();
        if (entry.type != DT_DIR && TRY(unlink_file(level.dir, entry.name))) continue;
        if (levels.size() >= max_open_levels) {
            // Too deep for one descriptor per level: hang the subtree under the top instead and
            // meet it there again.
            const std::string moved = concat(".berth-deep-", random_hex(8));
            TRY(rename_at(level.dir, entry.name, levels.front().dir, moved).context(entry.name));
            levels.front().rest.push_back({.name = moved, .type = DT_DIR});
            continue;
        }
        auto next = enter(level.dir, entry.name);
        if (next.is_error() && next.error().is(ErrorCode::NotFound)) continue;
        Level below = TRY(std::move(next));
        const struct stat status = TRY(fstat(below.dir));
        if (status.st_dev != root.st_dev) {
            return fail(ErrorCode::Conflict, "remove ", entry.name,
                        ": another file system is mounted here");
        }
        levels.push_back(std::move(below));
    }
    return {};
}

Result<> remove_tree(const std::string& path) {
    return remove_tree_at(AT_FDCWD, path).context("remove ", path);
}

namespace {

Result<std::uint64_t> usage_below(BorrowedFd dir, std::set<std::pair<dev_t, ino_t>>& links) {
    std::uint64_t bytes = 0;
    for (const DirEntry& entry : TRY(list_dir(dir))) {
        const auto found = fstatat(dir, entry.name, AT_SYMLINK_NOFOLLOW);
        if (found.is_error()) continue;  // removed meanwhile
        const struct stat& status = *found;
        const bool is_dir = S_ISDIR(status.st_mode);
        if (!is_dir && status.st_nlink > 1 && !links.emplace(status.st_dev, status.st_ino).second)
            continue;
        bytes += allocated_bytes(status);
        if (!is_dir) continue;
        const auto below = openat(dir, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!below.is_error()) bytes += TRY(usage_below(*below, links));
    }
    return bytes;
}

}  // namespace

Result<std::uint64_t> disk_usage(const std::string& path) {
    const struct stat status = TRY(fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW).context(path));
    std::uint64_t bytes = allocated_bytes(status);
    if (!S_ISDIR(status.st_mode)) return bytes;
    const Fd dir = TRY(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).context(path));
    std::set<std::pair<dev_t, ino_t>> links;
    bytes += TRY(usage_below(dir, links).context(path));
    return bytes;
}

Result<TempDir> TempDir::create(const std::string& parent) {
    std::string base = parent;
    if (base.empty()) {
        const char* configured = ::getenv("TMPDIR");
        base = configured != nullptr && *configured != '\0' ? configured : "/tmp";
    }
    std::string path = concat(base, "/berth-", random_hex(8));
    TRY(mkdir_at(AT_FDCWD, path, 0700).context(path));
    return TempDir(std::move(path));
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
    if (this != &other) {
        if (!path_.empty()) remove_tree(path_).ignore("destruction is best effort");
        path_ = std::exchange(other.path_, {});
    }
    return *this;
}

TempDir::~TempDir() {
    if (!path_.empty()) remove_tree(path_).ignore("destruction is best effort");
}

namespace {

Result<Fd> locked(const std::string& path, int operation) {
    Fd fd = TRY(open(path, O_RDWR | O_CREAT, 0600).context(path));
    if (retry([&] { return ::flock(fd.get(), operation); }) == 0) return fd;
    if (errno == EWOULDBLOCK)
        return fail(ErrorCode::Conflict, path, " is locked by another process");
    return Error::from_errno("flock", errno).with_context(path);
}

}  // namespace

Result<FileLock> FileLock::try_acquire(const std::string& path) {
    return FileLock(TRY(locked(path, LOCK_EX | LOCK_NB)));
}

Result<FileLock> FileLock::acquire(const std::string& path) {
    return FileLock(TRY(locked(path, LOCK_EX)));
}

}  // namespace berth::sys
