#include "runtime/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "sys/features.h"
#include "sys/file.h"
#include "sys/scheduling.h"
#include "sys/seccomp.h"

namespace berth::runtime {
namespace {

struct LimitName {
    std::string_view name;
    int number;
};
constexpr LimitName limit_names[] = {
    {"RLIMIT_CPU", RLIMIT_CPU},           {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_DATA", RLIMIT_DATA},         {"RLIMIT_STACK", RLIMIT_STACK},
    {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},   {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},       {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},     {"RLIMIT_RTTIME", RLIMIT_RTTIME}};

Result<> set_limit(int number, rlimit wanted) {
    if (::prlimit(0, static_cast<__rlimit_resource>(number), &wanted, nullptr) == 0) return {};
    if (errno != EPERM) return Error::from_errno("prlimit", errno);
    // EPERM: without CAP_SYS_RESOURCE a hard limit only goes down. The container runs with what
    // there is.
    rlimit own;
    if (::prlimit(0, static_cast<__rlimit_resource>(number), nullptr, &own) < 0)
        return Error::from_errno("prlimit", errno);
    wanted.rlim_max = std::min(wanted.rlim_max, own.rlim_max);
    wanted.rlim_cur = std::min(wanted.rlim_cur, wanted.rlim_max);
    if (::prlimit(0, static_cast<__rlimit_resource>(number), &wanted, nullptr) < 0)
        return Error::from_errno("prlimit", errno);
    return {};
}

std::optional<int> limit_number(const std::string& type) {
    for (const auto& entry : limit_names) {
        if (entry.name == type) return entry.number;
    }
    return std::nullopt;
}

}  // namespace

Result<> set_limits(const oci::RuntimeProcess& process) {
    for (const auto& limit : process.rlimits) {
        const auto number = limit_number(limit.type);
        if (!number) return fail(ErrorCode::InvalidArgument, "unknown resource limit ", limit.type);
        TRY(set_limit(*number, {.rlim_cur = limit.soft, .rlim_max = limit.hard})
                .context("set ", limit.type));
    }
    return {};
}

Result<> raise_hard_limits(const oci::RuntimeProcess& process) {
    for (const auto& limit : process.rlimits) {
        const auto number = limit_number(limit.type);
        rlimit own;
        if (!number || ::prlimit(0, static_cast<__rlimit_resource>(*number), nullptr, &own) < 0)
            continue;
        if (limit.hard > own.rlim_max)
            TRY(set_limit(*number, {.rlim_cur = own.rlim_cur, .rlim_max = limit.hard})
                    .context("set ", limit.type));
    }
    return {};
}

Result<> set_scheduling(const oci::RuntimeProcess& process) {
    if (const auto& wanted = process.scheduler) {
        TRY(sys::set_scheduler({.policy = wanted->policy,
                                .nice = wanted->nice,
                                .priority = static_cast<unsigned>(wanted->priority),
                                .flags = wanted->flags,
                                .runtime = wanted->runtime,
                                .deadline = wanted->deadline,
                                .period = wanted->period})
                .context("process.scheduler"));
    }
    if (!process.io_priority) return {};
    return sys::set_io_priority(process.io_priority->io_class, process.io_priority->priority)
        .context("process.ioPriority");
}

Result<> set_domain(const oci::RuntimeLinux& config) {
    if (const auto& policy = config.memory_policy)
        TRY(sys::set_memory_policy(
                {.mode = policy->mode, .nodes = policy->nodes, .flags = policy->flags})
                .context("linux.memoryPolicy"));
    if (!config.personality) return {};
    return sys::set_personality(config.personality->domain).context("linux.personality");
}

namespace {

struct Wanted {
    sys::CapabilitySets sets;
    sys::CapabilityMask available = 0;
};

// A privileged container asks for every capability there is; it gets those that this process has
// itself.
Result<Wanted> wanted_capabilities(const oci::RuntimeProcess& process) {
    Wanted wanted;
    wanted.available = TRY(sys::permitted_capabilities());
    if (!process.capabilities) return wanted;
    wanted.sets = {
        .bounding = sys::capability_mask(process.capabilities->bounding) & wanted.available,
        .effective = sys::capability_mask(process.capabilities->effective) & wanted.available,
        .permitted = sys::capability_mask(process.capabilities->permitted) & wanted.available,
        .inheritable = sys::capability_mask(process.capabilities->inheritable) & wanted.available,
        .ambient = 0};
    // The kernel holds an ambient capability to being permitted and inheritable.
    wanted.sets.effective &= wanted.sets.permitted;
    wanted.sets.ambient = sys::capability_mask(process.capabilities->ambient) &
                          wanted.sets.permitted & wanted.sets.inheritable;
    return wanted;
}

constexpr sys::CapabilityMask bit(int capability) { return sys::CapabilityMask(1) << capability; }

Result<> set_groups(const oci::RuntimeProcess& process) {
    std::vector<gid_t> groups(process.user.additional_gids.begin(),
                              process.user.additional_gids.end());
    if (::setgroups(groups.size(), groups.data()) == 0) return {};
    // EPERM with none wanted: a user namespace that denies setgroups leaves the process without
    // power over its groups.
    if (errno == EPERM && groups.empty()) return {};
    return Error::from_errno("setgroups", errno);
}

}  // namespace

Result<> become_user(const oci::RuntimeProcess& process, bool has_seccomp) {
    const Wanted wanted = TRY(wanted_capabilities(process));
    if (wanted.available & bit(CAP_SETPCAP)) TRY(sys::limit_bounding_set(wanted.sets.bounding));
    TRY(set_groups(process));
    TRY(sys::keep_capabilities(true));
    if (::setresgid(process.user.gid, process.user.gid, process.user.gid) < 0)
        return Error::from_errno("setresgid", errno)
            .with_context(concat("become group ", process.user.gid));
    if (::setresuid(process.user.uid, process.user.uid, process.user.uid) < 0)
        return Error::from_errno("setresuid", errno)
            .with_context(concat("become user ", process.user.uid));
    TRY(sys::keep_capabilities(false));
    if (process.user.umask) ::umask(*process.user.umask);
    sys::CapabilitySets now = wanted.sets;
    if (has_seccomp && !process.no_new_privileges) {
        now.permitted |= bit(CAP_SYS_ADMIN) & wanted.available;
        now.effective |= bit(CAP_SYS_ADMIN) & wanted.available;
    }
    // Changing credentials makes a process dumpable again, as far as suid_dumpable goes; it must
    // not be, before exec.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return Error::from_errno("prctl(PR_SET_DUMPABLE)", errno);
    return sys::set_capabilities(now);
}

Result<> finish_privileges(const oci::RuntimeProcess& process, std::span<const std::byte> seccomp,
                           unsigned flags, const std::function<Result<>(sys::Fd)>& hand_over) {
    sys::CapabilitySets final = TRY(wanted_capabilities(process)).sets;
    if (process.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return Error::from_errno("prctl(PR_SET_NO_NEW_PRIVS)", errno);
    if (!seccomp.empty()) {
        sys::Fd listener = TRY(sys::install_seccomp(seccomp, flags));
        if (listener) TRY(hand_over(std::move(listener)));
    }
    return sys::set_capabilities(final);
}

Result<> enter_directory(const std::string& cwd) {
    const auto fail_as = [&](int error) {
        std::string text = strerrordesc_np(error);
        text[0] = static_cast<char>(text[0] | 0x20);
        return fail(code_from_errno(error), "chdir to cwd (\"", cwd,
                    "\") set in config.json failed: ", text);
    };
    const auto directory = sys::open_in_root(AT_FDCWD, cwd, O_PATH | O_DIRECTORY);
    if (directory.is_error()) return fail_as(directory.error().error_number());
    if (::fchdir(directory->get()) < 0) return fail_as(errno);
    // A directory outside the root has no path here. CVE-2024-21626 was one that did not look.
    char buffer[4096];
    const long size = ::syscall(SYS_getcwd, buffer, sizeof(buffer));
    if (size < 0) return fail_as(errno);
    if (buffer[0] != '/')
        return fail(ErrorCode::PermissionDenied, "the working directory ", cwd,
                    " is outside the container");
    return {};
}

Result<> set_labels(const oci::RuntimeProcess& process, sys::BorrowedFd proc) {
    const auto write = [&](const std::string& file, const std::string& text) -> Result<> {
        const sys::Fd attribute = TRY(sys::open_beneath(proc, file, O_WRONLY));
        return sys::write_all(attribute, std::string_view(text));
    };
    const std::string thread = concat(::getpid(), "/task/", ::getpid(), "/attr/");
    if (!process.apparmor_profile.empty()) {
        if (!sys::features().apparmor)
            return fail(ErrorCode::Unsupported, "apparmor profile ", process.apparmor_profile,
                        " is wanted, but the kernel has no AppArmor");
        TRY(write(thread + "apparmor/exec", "exec " + process.apparmor_profile)
                .context("apply the AppArmor profile"));
    }
    if (!process.selinux_label.empty() && sys::features().selinux)
        TRY(write(thread + "exec", process.selinux_label).context("apply the SELinux label"));
    return {};
}

void own_streams(const oci::RuntimeProcess& process) {
    for (int fd = 0; fd <= 2; ++fd) {
        struct stat status;
        if (::fstat(fd, &status) < 0) continue;
        const bool is_null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
        if (is_null || status.st_uid == process.user.uid) continue;
        // Not every descriptor has an owner to change (sockets, read-only files, other users'): the
        // program gets it as is.
        if (::fchown(fd, process.user.uid, static_cast<gid_t>(-1)) < 0) continue;
    }
}

}  // namespace berth::runtime
