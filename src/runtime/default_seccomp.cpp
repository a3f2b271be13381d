#include "runtime/default_seccomp.h"

#include <linux/capability.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/text.h"

// The allow-list is kept as one table of names, in the order of the alphabet, so that a difference
// from a newer profile shows line by line. What it leaves out on purpose: anything that changes
// mounts, modules, clocks, keys or the machine (unless a capability says otherwise), io_uring,
// userfaultfd and bpf, and sockets of the families ALG and VSOCK.
namespace berth::runtime {
namespace {

constexpr std::string_view always_allowed =
    "accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown "
    "chown32 "
    "clock_adjtime "
    "clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
    "clock_nanosleep "
    "clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 "
    "epoll_create "
    "epoll_create1 "
    "epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 "
    "execve "
    "execveat exit "
    "exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod "
    "fchmodat "
    "fchmodat2 "
    "fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr "
    "fsetxattr "
    "fstat "
    "fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue "
    "futex_time64 "
    "futex_wait "
    "futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid "
    "geteuid32 "
    "getgid "
    "getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid "
    "getpriority "
    "getrandom "
    "getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid "
    "getsockname "
    "getsockopt "
    "get_thread_area gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch "
    "inotify_init "
    "inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents "
    "io_pgetevents_time64 "
    "ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset "
    "landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr "
    "listxattrat "
    "llistxattr "
    "_llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier "
    "memfd_create "
    "memfd_secret "
    "mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr "
    "mq_notify "
    "mq_open "
    "mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap "
    "mseal msgctl "
    "msgget "
    "msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat "
    "_newselect open "
    "openat "
    "openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll "
    "ppoll "
    "ppoll_time64 "
    "prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 "
    "pwritev "
    "pwritev2 read "
    "readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
    "remap_file_pages "
    "removexattr "
    "removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction "
    "rt_sigpending "
    "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 "
    "rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max "
    "sched_get_priority_min "
    "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity "
    "sched_setattr "
    "sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop "
    "semtimedop_time64 "
    "send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 "
    "setgid "
    "setgid32 "
    "setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 "
    "setresuid "
    "setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area "
    "set_tid_address "
    "setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
    "signalfd4 "
    "sigprocmask sigreturn splice stat stat64 statfs statfs64 statmount statx symlink "
    "symlinkat "
    "sync "
    "sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timerfd_create "
    "timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64 timer_getoverrun timer_gettime "
    "timer_gettime64 "
    "timer_settime timer_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink "
    "unlinkat "
    "uretprobe "
    "utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev "
    // Since Linux 4.8 seccomp is checked after ptrace, so tracing opens no way around the filter.
    "ptrace process_vm_readv process_vm_writev "
    // x86 only.
    "arch_prctl modify_ldt";

struct ByCapability {
    int capability;
    std::string_view names;
};

constexpr ByCapability by_capability[] = {
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    {CAP_SYS_ADMIN,
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount "
     "mount_setattr "
     "move_mount "
     "open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount "
     "umount2 "
     "unshare"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_SYS_MODULE, "delete_module finit_module init_module"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise"},
    {CAP_SYS_RAWIO, "iopl ioperm"},
    {CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
    {CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {CAP_SYSLOG, "syslog"},
    {CAP_BPF, "bpf"},
    {CAP_PERFMON, "perf_event_open"},
};

oci::SeccompSyscall allow(std::string_view names) {
    return {.names = split(names, ' '), .action = "SCMP_ACT_ALLOW", .errno_ret = {}, .args = {}};
}

oci::SeccompSyscall allow_if(std::string_view name, const char* op, unsigned index,
                             std::uint64_t value, std::uint64_t value_two = 0) {
    oci::SeccompSyscall rule = allow(name);
    rule.args.push_back({.index = index, .value = value, .value_two = value_two, .op = op});
    return rule;
}

// Only families that ordinary programs use. A list of forbidden ones cannot be right: two "not this
// one" conditions on one argument do not add up, and new families arrive with new kernels.
void allow_socket_families(oci::RuntimeSeccomp& profile) {
    for (const int family : {AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET,
                             AF_BLUETOOTH, AF_CAN, AF_TIPC, AF_RDS, AF_SMC, AF_XDP}) {
        for (const char* call : {"socket", "socketpair"})
            profile.syscalls.push_back(
                allow_if(call, "SCMP_CMP_EQ", 0, static_cast<std::uint64_t>(family)));
    }
}

// Without CAP_SYS_ADMIN a process may clone, but not into new namespaces. clone3 hides its flags
// behind a pointer, so it "does not exist" and the C library falls back to clone.
void restrict_clone(oci::RuntimeSeccomp& profile) {
    constexpr std::uint64_t namespace_flags = 0x7E020000;
    profile.syscalls.push_back(allow_if("clone", "SCMP_CMP_MASKED_EQ", 0, namespace_flags, 0));
    profile.syscalls.push_back(
        {.names = {"clone3"}, .action = "SCMP_ACT_ERRNO", .errno_ret = ENOSYS, .args = {}});
}

// A filter does not see the family that socketcall asks for, so only "there is no such call" closes
// it. It comes first and is no refusal, else the library lets those calls through that mean socket.
void refuse_socketcall(oci::RuntimeSeccomp& profile) {
    profile.syscalls.push_back(
        {.names = {"socketcall"}, .action = "SCMP_ACT_ERRNO", .errno_ret = ENOSYS, .args = {}});
}

std::vector<std::string> native_architectures() {
#if defined(__x86_64__)
    return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
    return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
    return {};
#endif
}

}  // namespace

oci::RuntimeSeccomp default_seccomp(sys::CapabilityMask granted, SeccompKind kind) {
    oci::RuntimeSeccomp profile{.default_action = "SCMP_ACT_ERRNO", .default_errno_ret = EPERM};
    profile.architectures = native_architectures();
    if (kind == SeccompKind::Strict) refuse_socketcall(profile);
    profile.syscalls.push_back(allow(always_allowed));
    for (const std::uint64_t persona : {0x0ULL, 0x0008ULL, 0x20000ULL, 0x20008ULL, 0xffffffffULL})
        profile.syscalls.push_back(allow_if("personality", "SCMP_CMP_EQ", 0, persona));
    allow_socket_families(profile);
    for (const auto& entry : by_capability) {
        if (granted >> entry.capability & 1) profile.syscalls.push_back(allow(entry.names));
    }
    if (!(granted >> CAP_SYS_ADMIN & 1)) restrict_clone(profile);
    return profile;
}

}  // namespace berth::runtime
