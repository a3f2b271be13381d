#pragma once
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A descriptor that becomes readable when a file in `directory` is written, made or renamed.
/// inotify(7).
Result<Fd> watch_directory(const std::string& directory);
/// Takes what is there, so that the descriptor waits for the next change.
void drain_watch(BorrowedFd watch);

}  // namespace berth::sys
