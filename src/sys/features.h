#pragma once

namespace berth::sys {

/// What this kernel and this process can do, found by trying, once.
struct Features {
    bool new_mount_api = false;        ///< fsopen(2): Linux 5.2
    bool recursive_read_only = false;  ///< mount_setattr(2): Linux 5.12
    bool cgroup_v2_only = false;
    bool user_namespaces = false;
    bool seccomp = false;
    bool apparmor = false;
    bool selinux = false;
    bool erofs = false;
    bool overlay = false;
    bool can_raise_limits = false;  ///< CAP_SYS_RESOURCE
};
const Features& features();

}  // namespace berth::sys
