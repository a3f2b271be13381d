#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Gives the file `bytes` bytes that are on the disk, without writing them (fallocate(2)). NoSpace;
/// Unsupported where the file system cannot.
Result<> allocate(BorrowedFd fd, std::uint64_t bytes);
/// How many bytes an ordinary writer may still put on the file system of `fd` (fstatvfs(3)).
Result<std::uint64_t> free_bytes(BorrowedFd fd);
/// What the file system of a path has in all, and what an ordinary writer may still put there.
struct FileSystemSpace {
    std::uint64_t total = 0, free = 0;
};
Result<FileSystemSpace> file_system_space(const std::string& path);

}  // namespace berth::sys
