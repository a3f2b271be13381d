#include "shim/run_directory.h"

#include <fcntl.h>

#include "sys/dir.h"
#include "sys/mount.h"

namespace berth::shim {

std::string root_place(const std::string& run_directory) { return run_directory + "/root"; }

void release_root_place(const std::string& run_directory) {
    constexpr int detach = 2;  // MNT_DETACH
    const std::string place = root_place(run_directory);
    if (!sys::unmount(place, detach)) return;
    sys::unlink_at(AT_FDCWD, place, AT_REMOVEDIR).ignore("it goes with the directory");
}

Result<> remove_run_directory(const std::string& run_directory) {
    release_root_place(run_directory);
    return sys::remove_tree(run_directory);
}

}  // namespace berth::shim
