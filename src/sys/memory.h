#pragma once

namespace berth::sys {

/// Gives back what this process does not need while it waits: free heap pages, and the pages of its
/// own code and constants, which are read again from the page cache when they are needed. For
/// long-lived processes of which there are many. malloc_trim(3), madvise(2).
void release_memory();

}  // namespace berth::sys
