#pragma once
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A block device whose content is a file. It exists while this, or a mount of it, does. loop(4).
struct LoopDevice {
    Fd fd;
    std::string path;  ///< "/dev/loop7"
};
/// Read-only, past the page cache of the file where the file system allows it. Linux 5.8
/// (LOOP_CONFIGURE).
Result<LoopDevice> attach_loop(BorrowedFd file);

}  // namespace berth::sys
