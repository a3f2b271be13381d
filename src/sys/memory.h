#pragma once
#include <chrono>
#include <optional>

#include "sys/fd.h"

namespace berth::sys {

/// Gives back what this process does not need while it waits, and waits until `epoll` has an event
/// or the limit has passed: free heap pages, and the pages of its own code and constants, which are
/// read again from the page cache when they are needed. Both in one, because every page that is
/// touched in between comes back with its fifteen neighbours. For long-lived processes of which
/// there are many. malloc_trim(3), madvise(2).
void release_memory_and_wait(BorrowedFd epoll, std::optional<std::chrono::milliseconds> limit);

}  // namespace berth::sys
