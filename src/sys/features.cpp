#include "sys/features.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/capability.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

// A system call with arguments that cannot succeed tells by its errno whether the kernel has it.
bool has_syscall(long number) {
    return ::syscall(number, -1, nullptr, -1, nullptr, 0) >= 0 || errno != ENOSYS;
}

bool knows_file_system(const std::string& known, std::string_view name) {
    for (const auto& line : split(known, '\n')) {
        const auto fields = split_once(line, '\t');
        if (fields && trim(fields->second) == name) return true;
    }
    return false;
}

Features probe() {
    Features found;
    found.new_mount_api = has_syscall(SYS_fsopen) && has_syscall(SYS_move_mount);
    found.recursive_read_only = has_syscall(SYS_mount_setattr);
    const auto layout = cgroup_layout();
    found.cgroup_v2_only = layout && layout->is_v2_only();
    found.user_namespaces = exists("/proc/self/ns/user");
    const std::uint32_t action = SECCOMP_RET_ERRNO;
    found.seccomp = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    const std::string apparmor =
        read_file("/sys/module/apparmor/parameters/enabled").value_or(std::string());
    found.apparmor = apparmor.starts_with('Y');
    found.selinux = exists("/sys/fs/selinux/enforce");
    const std::string known = read_file("/proc/filesystems").value_or(std::string());
    found.erofs = knows_file_system(known, "erofs");
    found.overlay = knows_file_system(known, "overlay");
    const auto own = current_capabilities();
    found.can_raise_limits = own && (own->effective >> CAP_SYS_RESOURCE & 1);
    return found;
}

}  // namespace

const Features& features() {
    static const Features found = probe();
    return found;
}

}  // namespace berth::sys
