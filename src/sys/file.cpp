#include "sys/file.h"

#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/random.h"
#include "sys/retry_internal.h"

namespace berth::sys {
namespace {

constexpr std::size_t copy_buffer_bytes = 256 << 10;

Result<Fd> openat2(BorrowedFd dir, const std::string& path, int flags, mode_t mode,
                   std::uint64_t resolve) {
    struct open_how how = {};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    // openat2 refuses a mode without O_CREAT or O_TMPFILE, where open ignores it.
    how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode : 0;
    how.resolve = resolve;
    for (;;) {
        const long fd = ::syscall(SYS_openat2, dir.get(), path.c_str(), &how, sizeof how);
        if (fd >= 0) return Fd(static_cast<int>(fd));
        // EAGAIN: a rename raced with the resolution of "..", the kernel asks to try again
        // (openat2(2)).
        if (errno != EINTR && errno != EAGAIN) return Error::from_errno("openat2", errno);
    }
}

std::string proc_path(BorrowedFd fd) { return concat("/proc/self/fd/", fd.get()); }

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<Fd> open(const std::string& path, int flags, mode_t mode) {
    return openat(AT_FDCWD, path, flags, mode);
}

Result<Fd> openat(BorrowedFd dir, const std::string& path, int flags, mode_t mode) {
    const long fd =
        retry([&] { return ::openat(dir.get(), path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0) return Error::from_errno("open", errno);
    return Fd(static_cast<int>(fd));
}

Result<Fd> open_in_root(BorrowedFd root, const std::string& path, int flags, mode_t mode) {
    return openat2(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_beneath(BorrowedFd dir, const std::string& path, int flags, mode_t mode) {
    return openat2(dir, path, flags, mode,
                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_regular_in_root(BorrowedFd root, const std::string& path) {
    const Fd node = TRY(open_in_root(root, path, O_PATH));
    const struct stat status = TRY(fstat(node));
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::InvalidArgument, path, " is not a regular file");
    return reopen(node, O_RDONLY | O_NONBLOCK);
}

Result<Fd> reopen(BorrowedFd fd, int flags) { return open(proc_path(fd), flags); }

Result<Fd> duplicate(BorrowedFd fd) {
    const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return Error::from_errno("dup", errno);
    return Fd(copy);
}

Result<std::size_t> read(BorrowedFd fd, std::span<std::byte> buffer) {
    const long got = retry([&] { return ::read(fd.get(), buffer.data(), buffer.size()); });
    if (got < 0) return Error::from_errno("read", errno);
    return static_cast<std::size_t>(got);
}

Result<> read_exact(BorrowedFd fd, std::span<std::byte> buffer) {
    while (!buffer.empty()) {
        const std::size_t got = TRY(read(fd, buffer));
        if (got == 0) return fail(ErrorCode::Corrupted, "read: unexpected end of file");
        buffer = buffer.subspan(got);
    }
    return {};
}

Result<std::size_t> pread(BorrowedFd fd, std::span<std::byte> buffer, std::uint64_t offset) {
    const long got = retry([&] {
        return ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    });
    if (got < 0) return Error::from_errno("pread", errno);
    return static_cast<std::size_t>(got);
}

Result<std::size_t> write(BorrowedFd fd, std::span<const std::byte> bytes) {
    const long put = retry([&] { return ::write(fd.get(), bytes.data(), bytes.size()); });
    if (put < 0) return Error::from_errno("write", errno);
    return static_cast<std::size_t>(put);
}

Result<> write_all(BorrowedFd fd, std::span<const std::byte> bytes) {
    while (!bytes.empty()) bytes = bytes.subspan(TRY(write(fd, bytes)));
    return {};
}

Result<> write_all(BorrowedFd fd, std::string_view text) { return write_all(fd, as_bytes(text)); }

Result<> pwrite_all(BorrowedFd fd, std::span<const std::byte> bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const long put = retry([&] {
            return ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        });
        if (put < 0) return Error::from_errno("pwrite", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return {};
}

Result<std::string> read_all(BorrowedFd fd, std::size_t limit) {
    std::string text;
    std::array<std::byte, 16384> buffer;
    for (;;) {
        const std::size_t got = TRY(read(fd, buffer));
        if (got == 0) return text;
        if (got > limit - text.size())
            return fail(ErrorCode::InvalidArgument, "more than ", limit, " bytes");
        text.append(as_text({buffer.data(), got}));
    }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    return read_file_at(AT_FDCWD, path, limit);
}

Result<std::string> read_file_at(BorrowedFd dir, const std::string& path, std::size_t limit) {
    const Fd fd = TRY(openat(dir, path, O_RDONLY).context(path));
    return read_all(fd, limit).context(path);
}

Result<> write_file(const std::string& path, std::string_view text) {
    const Fd fd = TRY(open(path, O_WRONLY).context(path));
    const std::size_t put = TRY(write(fd, as_bytes(text)).context(path));
    if (put != text.size()) return fail(ErrorCode::Internal, path, ": short write");
    return {};
}

Result<> write_file_atomic(const std::string& path, std::string_view text, mode_t mode) {
    const std::string aside = concat(path, ".", random_hex(6), ".new");
    const auto write_aside = [&]() -> Result<> {
        const Fd fd = TRY(open(aside, O_WRONLY | O_CREAT | O_EXCL, mode));
        TRY(write_all(fd, text));
        TRY(fsync(fd));
        TRY(rename(aside, path));
        return fsync_parent(path);
    };
    auto outcome = write_aside();
    if (outcome.is_error()) unlink(aside).ignore("it may not exist, and the first error matters");
    return std::move(outcome).context(path);
}

Result<struct stat> fstat(BorrowedFd fd) {
    struct stat status;
    if (::fstat(fd.get(), &status) != 0) return Error::from_errno("fstat", errno);
    return status;
}

Result<struct stat> fstatat(BorrowedFd dir, const std::string& path, int flags) {
    struct stat status;
    if (::fstatat(dir.get(), path.c_str(), &status, flags) != 0)
        return Error::from_errno("stat", errno);
    return status;
}

Result<struct stat> stat(const std::string& path) {
    return fstatat(AT_FDCWD, path, 0).context(path);
}

bool exists(const std::string& path) {
    const auto status = fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
    return !status.is_error() || !status.error().is(ErrorCode::NotFound);
}

Result<> fsync(BorrowedFd fd) {
    if (retry([&] { return ::fsync(fd.get()); }) != 0) return Error::from_errno("fsync", errno);
    return {};
}

Result<> fdatasync(BorrowedFd fd) {
    if (retry([&] { return ::fdatasync(fd.get()); }) != 0)
        return Error::from_errno("fdatasync", errno);
    return {};
}

Result<> sync_file_system(BorrowedFd fd) {
    if (::syncfs(fd.get()) != 0) return Error::from_errno("syncfs", errno);
    return {};
}

Result<> fsync_parent(const std::string& path) {
    const Fd dir = TRY(open(parent_of(path), O_RDONLY | O_DIRECTORY));
    return fsync(dir);
}

Result<> ftruncate(BorrowedFd fd, std::uint64_t bytes) {
    if (retry([&] { return ::ftruncate(fd.get(), static_cast<off_t>(bytes)); }) != 0) {
        return Error::from_errno("ftruncate", errno);
    }
    return {};
}

Result<std::uint64_t> seek(BorrowedFd fd, std::int64_t offset, int whence) {
    const off_t position = ::lseek(fd.get(), offset, whence);
    if (position < 0) return Error::from_errno("lseek", errno);
    return static_cast<std::uint64_t>(position);
}

Result<std::uint64_t> copy_range(BorrowedFd from, BorrowedFd to, std::uint64_t bytes) {
    std::uint64_t copied = 0;
    bool in_kernel = true;
    std::vector<std::byte> buffer;
    while (copied < bytes) {
        const std::size_t wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(bytes - copied, 1U << 30));
        if (in_kernel) {
            const long got = retry([&] {
                return ::copy_file_range(from.get(), nullptr, to.get(), nullptr, wanted, 0);
            });
            if (got > 0) {
                copied += static_cast<std::uint64_t>(got);
                continue;
            }
            // 0 is the end, or a file of /proc whose size says 0; every error (EXDEV, EINVAL for
            // pipes, EOPNOTSUPP) shows itself again in read or write below if it is a real one.
            in_kernel = false;
            buffer.resize(copy_buffer_bytes);
        }
        const std::size_t got =
            TRY(read(from, std::span(buffer).first(std::min(wanted, buffer.size()))));
        if (got == 0) break;
        TRY(write_all(to, std::span<const std::byte>(buffer).first(got)));
        copied += got;
    }
    return copied;
}

Result<> fchmod(BorrowedFd fd, mode_t mode) {
    if (::fchmod(fd.get(), mode) == 0) return {};
    // fchmod refuses O_PATH descriptors; chmod through /proc does not.
    if (errno == EBADF && ::chmod(proc_path(fd).c_str(), mode) == 0) return {};
    return Error::from_errno("fchmod", errno);
}

Result<> chown_at(BorrowedFd dir, const std::string& name, uid_t uid, gid_t gid) {
    if (::fchownat(dir.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
        return Error::from_errno("chown", errno);
    }
    return {};
}

Result<> fchown(BorrowedFd fd, uid_t uid, gid_t gid) { return chown_at(fd, "", uid, gid); }

Result<> chmod_at(BorrowedFd dir, const std::string& name, mode_t mode) {
    // fchmodat follows links and its AT_SYMLINK_NOFOLLOW came only with Linux 6.6: pin the inode
    // first.
    const Fd fd = TRY(openat(dir, name, O_PATH | O_NOFOLLOW));
    return fchmod(fd, mode);
}

Result<> set_times_at(BorrowedFd dir, const std::string& name, timespec access,
                      timespec modification) {
    const std::array<timespec, 2> times = {access, modification};
    if (::utimensat(dir.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        return Error::from_errno("utimensat", errno);
    }
    return {};
}

Result<> set_times(BorrowedFd fd, timespec access, timespec modification) {
    const std::array<timespec, 2> times = {access, modification};
    if (::futimens(fd.get(), times.data()) != 0) return Error::from_errno("futimens", errno);
    return {};
}

Result<Fd> memfd(const std::string& name) {
    const int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return Error::from_errno("memfd_create", errno);
    return Fd(fd);
}

}  // namespace berth::sys
