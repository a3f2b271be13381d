#pragma once
#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "sys/fd.h"

// Making what a mount needs to stand on inside a container's root. The root's content is hostile:
// every look-up is resolved inside it (openat2(2), RESOLVE_IN_ROOT), every creation happens on a
// parent's descriptor.
namespace berth::runtime {

/// The directory at `path`, made with its parents when missing (mode 0755). Links are followed
/// inside the root, one that leads nowhere gets its target made. The result is an O_PATH
/// descriptor.
Result<sys::Fd> ensure_directory(sys::BorrowedFd root, const std::string& path);

/// The same for anything that can be mounted on that is no directory; missing, it becomes an empty
/// file.
Result<sys::Fd> ensure_file(sys::BorrowedFd root, const std::string& path);

/// Copies directories, files and links from one directory into another, empty one; modes and owners
/// too.
Result<> copy_tree(sys::BorrowedFd from, sys::BorrowedFd to);

}  // namespace berth::runtime
