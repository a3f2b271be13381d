#pragma once
#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/dir.h"
#include "sys/fd.h"

namespace berth::sys {

// Files: one system call each, close-on-exec from birth, EINTR handled here. Host paths are plain
// strings; a path that came from an image, a client or a container goes through open_in_root().

/// open(2). A missing file is NotFound, an existing one with O_EXCL AlreadyExists.
Result<Fd> open(const std::string& path, int flags, mode_t mode = 0);
/// openat(2) for names below a directory that we own; `dir` may be AT_FDCWD.
Result<Fd> openat(BorrowedFd dir, const std::string& path, int flags, mode_t mode = 0);
/// openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: `path` is resolved as if `root` were
/// "/", so neither `..` nor any symbolic link leads out of it. The only way to open a path from
/// beyond the trust line.
Result<Fd> open_in_root(BorrowedFd root, const std::string& path, int flags, mode_t mode = 0);
/// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS: fails if any
/// component is a symbolic link or leads upward. For trees being written, where no link may be
/// followed at all.
Result<Fd> open_beneath(BorrowedFd dir, const std::string& path, int flags, mode_t mode = 0);
/// A regular file beyond the trust line, for reading; InvalidArgument for anything else. That is
/// never opened: a device may act on it, and a FIFO lets its writer go on.
Result<Fd> open_regular_in_root(BorrowedFd root, const std::string& path);
/// The same file with other flags (an O_PATH descriptor made readable), through /proc/self/fd.
Result<Fd> reopen(BorrowedFd fd, int flags);
/// dup(2) with close-on-exec.
Result<Fd> duplicate(BorrowedFd fd);

/// read(2): at most buffer.size() bytes; 0 is the end.
Result<std::size_t> read(BorrowedFd fd, std::span<std::byte> buffer);
/// Reads until `buffer` is full; Corrupted when the file ends before.
Result<> read_exact(BorrowedFd fd, std::span<std::byte> buffer);
/// pread(2), once.
Result<std::size_t> pread(BorrowedFd fd, std::span<std::byte> buffer, std::uint64_t offset);
/// write(2): how many of the bytes were taken.
Result<std::size_t> write(BorrowedFd fd, std::span<const std::byte> bytes);
/// write(2) until everything is written.
Result<> write_all(BorrowedFd fd, std::span<const std::byte> bytes);
Result<> write_all(BorrowedFd fd, std::string_view text);
/// pwrite(2) until everything is written.
Result<> pwrite_all(BorrowedFd fd, std::span<const std::byte> bytes, std::uint64_t offset);
/// Everything up to the end; InvalidArgument when there are more than `limit` bytes.
Result<std::string> read_all(BorrowedFd fd, std::size_t limit);

/// The whole file, of at most `limit` bytes. Suits /proc and /sys files, whose size is unknown.
Result<std::string> read_file(const std::string& path, std::size_t limit = 16 << 20);
Result<std::string> read_file_at(BorrowedFd dir, const std::string& path,
                                 std::size_t limit = 16 << 20);
/// One write(2) to an existing file, as the control files of /proc and /sys want it.
Result<> write_file(const std::string& path, std::string_view text);
/// Replaces the file durably: written aside, fsynced, renamed, directory fsynced. Readers see old
/// or new, never half.
Result<> write_file_atomic(const std::string& path, std::string_view text, mode_t mode = 0644);

Result<struct stat> fstat(BorrowedFd fd);
/// Bytes that the file system has set aside for it, as du(1) counts.
inline std::uint64_t allocated_bytes(const struct stat& status) {
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
}
/// fstatat(2); `flags` such as AT_SYMLINK_NOFOLLOW.
Result<struct stat> fstatat(BorrowedFd dir, const std::string& path, int flags);
/// stat(2) of a host path, following links.
Result<struct stat> stat(const std::string& path);
/// Whether the path exists (a dangling link does). Any error but "not found" counts as existing.
bool exists(const std::string& path);

Result<> fsync(BorrowedFd fd);
Result<> fdatasync(BorrowedFd fd);
/// Writes back the whole file system that `fd` is on. syncfs(2).
Result<> sync_file_system(BorrowedFd fd);
/// Makes the names in the directory of `path` durable.
Result<> fsync_parent(const std::string& path);
Result<> ftruncate(BorrowedFd fd, std::uint64_t bytes);
/// lseek(2), with SEEK_DATA and SEEK_HOLE too. Past the last data SEEK_DATA fails with errno ENXIO.
Result<std::uint64_t> seek(BorrowedFd fd, std::int64_t offset, int whence);
/// Copies `bytes` bytes, or to the end if there are fewer, from and to the current positions;
/// shares extents where the file system can. Returns how many were copied.
Result<std::uint64_t> copy_range(BorrowedFd from, BorrowedFd to, std::uint64_t bytes);

Result<> fchmod(BorrowedFd fd, mode_t mode);
/// fchownat(2), which never follows a final symbolic link.
Result<> chown_at(BorrowedFd dir, const std::string& name, uid_t uid, gid_t gid);
Result<> fchown(BorrowedFd fd, uid_t uid, gid_t gid);
/// chmod of `name` in `dir`; must not be a symbolic link.
Result<> chmod_at(BorrowedFd dir, const std::string& name, mode_t mode);
/// utimensat(2) without following a final symbolic link.
Result<> set_times_at(BorrowedFd dir, const std::string& name, timespec access,
                      timespec modification);
/// futimens(2).
Result<> set_times(BorrowedFd fd, timespec access, timespec modification);

/// memfd_create(2), close-on-exec, sealable.
Result<Fd> memfd(const std::string& name);

}  // namespace berth::sys
