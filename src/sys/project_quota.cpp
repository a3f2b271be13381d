#include "sys/project_quota.h"

#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace berth::sys {
namespace {

/// quotactl_fd(2), of Linux 5.14: no path to the file system's device is needed.
long quota_call(BorrowedFd directory, unsigned command, std::uint32_t id, void* data) {
    return ::syscall(SYS_quotactl_fd, directory.get(), QCMD(command, PRJQUOTA), id, data);
}

}  // namespace

bool has_project_quotas(BorrowedFd directory) {
    if_dqinfo info = {};
    return quota_call(directory, Q_GETINFO, 0, &info) == 0;
}

Result<std::uint32_t> project_of(BorrowedFd directory) {
    fsxattr attributes = {};
    if (::ioctl(directory.get(), FS_IOC_FSGETXATTR, &attributes) < 0)
        return Error::from_errno("FS_IOC_FSGETXATTR", errno);
    return attributes.fsx_projid;
}

Result<> set_project(BorrowedFd directory, std::uint32_t project) {
    fsxattr attributes = {};
    if (::ioctl(directory.get(), FS_IOC_FSGETXATTR, &attributes) < 0)
        return Error::from_errno("FS_IOC_FSGETXATTR", errno);
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (::ioctl(directory.get(), FS_IOC_FSSETXATTR, &attributes) < 0)
        return Error::from_errno("FS_IOC_FSSETXATTR", errno);
    return {};
}

Result<> limit_project(BorrowedFd directory, std::uint32_t project, std::uint64_t bytes) {
    if_dqblk limits = {};
    limits.dqb_bhardlimit = limits.dqb_bsoftlimit = bytes / QIF_DQBLKSIZE;
    limits.dqb_valid = QIF_BLIMITS;
    if (quota_call(directory, Q_SETQUOTA, project, &limits) < 0)
        return Error::from_errno("quotactl(Q_SETQUOTA)", errno);
    return {};
}

}  // namespace berth::sys
