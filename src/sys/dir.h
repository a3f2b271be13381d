#pragma once
#include <dirent.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

// Names in directories.

/// mkdirat(2). AlreadyExists when the name is taken.
Result<> mkdir_at(BorrowedFd dir, const std::string& name, mode_t mode);
/// Creates the host path and its missing parents with `mode`; existing directories are left as they
/// are.
Result<> mkdir_all(const std::string& path, mode_t mode = 0755);
/// rename(2).
Result<> rename(const std::string& from, const std::string& to);
/// renameat2(2); `flags` such as RENAME_NOREPLACE (AlreadyExists when `to` exists).
Result<> rename_at(BorrowedFd from_dir, const std::string& from, BorrowedFd to_dir,
                   const std::string& to, unsigned flags = 0);
/// unlinkat(2); `flags` AT_REMOVEDIR for a directory.
Result<> unlink_at(BorrowedFd dir, const std::string& name, int flags = 0);
Result<> unlink(const std::string& path);
/// Hard link, never through a symbolic link.
Result<> link_at(BorrowedFd from_dir, const std::string& from, BorrowedFd to_dir,
                 const std::string& to);
Result<> symlink_at(const std::string& target, BorrowedFd dir, const std::string& name);
/// The target of the symbolic link `name`; with an empty name, of the link that `dir` (O_PATH)
/// itself is.
Result<std::string> readlink_at(BorrowedFd dir, const std::string& name);
Result<std::string> readlink(const std::string& path);
Result<> mknod_at(BorrowedFd dir, const std::string& name, mode_t mode, dev_t device);

struct DirEntry {
    std::string name;
    /// DT_REG, DT_DIR, ..., or DT_UNKNOWN where the file system does not say.
    unsigned char type = DT_UNKNOWN;
    std::uint64_t inode = 0;
};

/// Entries without "." and "..", in no particular order. `dir` must be open for reading; its
/// position is reset.
Result<std::vector<DirEntry>> list_dir(BorrowedFd dir);
Result<std::vector<DirEntry>> list_dir(const std::string& path);

/// Removes `name` and everything below it without following links or crossing file systems; absent
/// is fine. Depth is unbounded. Safe on trees that someone else changes at the same time.
Result<> remove_tree_at(BorrowedFd dir, const std::string& name);
Result<> remove_tree(const std::string& path);

/// Bytes allocated on disk below and including `path` (512-byte blocks times 512), each hard link
/// counted once.
Result<std::uint64_t> disk_usage(const std::string& path);

/// A directory of random name that is removed with its content on destruction.
class TempDir {
public:
    /// Below `parent`, or below $TMPDIR or /tmp.
    static Result<TempDir> create(const std::string& parent = {});
    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&& other) noexcept;
    ~TempDir();

    const std::string& path() const { return path_; }
    /// Keeps the directory and gives its path up.
    std::string release() { return std::exchange(path_, {}); }

private:
    explicit TempDir(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

/// An exclusive lock on a file (flock(2)), held until destruction; the kernel frees it when the
/// process dies.
class FileLock {
public:
    /// Creates the file if needed. Conflict when another process holds the lock.
    static Result<FileLock> try_acquire(const std::string& path);
    /// Waits for the lock.
    static Result<FileLock> acquire(const std::string& path);
    BorrowedFd fd() const { return fd_; }

private:
    explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace berth::sys
