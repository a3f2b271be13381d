#include "sys/allocate.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <cerrno>

#include "sys/retry_internal.h"

namespace berth::sys {

Result<> allocate(BorrowedFd fd, std::uint64_t bytes) {
    if (retry([&] { return ::fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)); }) != 0) {
        return Error::from_errno("fallocate", errno);
    }
    return {};
}

Result<std::uint64_t> free_bytes(BorrowedFd fd) {
    struct statvfs about {};
    if (::fstatvfs(fd.get(), &about) != 0) return Error::from_errno("fstatvfs", errno);
    return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

Result<FileSystemSpace> file_system_space(const std::string& path) {
    struct statvfs about {};
    if (::statvfs(path.c_str(), &about) != 0) return Error::from_errno("statvfs", errno);
    return FileSystemSpace{.total = static_cast<std::uint64_t>(about.f_blocks) * about.f_frsize,
                           .free = static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize};
}

}  // namespace berth::sys
