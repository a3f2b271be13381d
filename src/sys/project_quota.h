#pragma once
#include <cstdint>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

// Project quotas: a file system counts what belongs to a *project*, a number that a directory hands
// on to all that is made below it, and refuses what is beyond the project's limit. XFS and ext4.
// quotactl(2), ioctl_xfs_fssetxattr(2).

/// Whether the file system of `directory` holds projects to their limits. False where it could but
/// was mounted without.
bool has_project_quotas(BorrowedFd directory);
/// The project of a directory; 0 is none.
Result<std::uint32_t> project_of(BorrowedFd directory);
/// Makes an empty directory, and what will be below it, part of a project.
Result<> set_project(BorrowedFd directory, std::uint32_t project);
/// How much the project may hold on the file system of `directory`, in bytes, of which whole KiB
/// count; 0 lifts the limit.
Result<> limit_project(BorrowedFd directory, std::uint32_t project, std::uint64_t bytes);

}  // namespace berth::sys
