#include "sys/directory_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace berth::sys {

Result<Fd> watch_directory(const std::string& directory) {
    Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch) return Error::from_errno("inotify_init1", errno);
    if (::inotify_add_watch(watch.get(), directory.c_str(),
                            IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0) {
        return Error::from_errno("inotify_add_watch", errno);
    }
    return watch;
}

void drain_watch(BorrowedFd watch) {
    char events[4096];
    while (::read(watch.get(), events, sizeof(events)) > 0) {
    }
}

}  // namespace berth::sys
