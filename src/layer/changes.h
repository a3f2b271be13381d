#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::layer {

enum class ChangeKind { Modified, Added, Deleted };

struct Change {
    ChangeKind kind = ChangeKind::Modified;
    std::string path;  ///< absolute within the root
};

/// What an overlay's upper directory changes of the root below it, sorted by path, as `docker diff`
/// shows it. `lower` is a mount of the layers below, or nothing for none.
Result<std::vector<Change>> list_changes(sys::BorrowedFd upper,
                                         std::optional<sys::BorrowedFd> lower);

}  // namespace berth::layer
