#include "sys/namespace.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace berth::sys {

Result<> unshare(std::uint64_t flags) {
    if (::unshare(static_cast<int>(flags)) < 0) return Error::from_errno("unshare", errno);
    return {};
}

Result<> enter_namespace(BorrowedFd fd, std::uint64_t flags) {
    if (::setns(fd.get(), static_cast<int>(flags)) < 0) return Error::from_errno("setns", errno);
    return {};
}

Result<Fd> open_namespace(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return Error::from_errno("open", errno).with_context(path);
    struct statfs file_system;
    if (::fstatfs(fd.get(), &file_system) < 0)
        return Error::from_errno("fstatfs", errno).with_context(path);
    if (file_system.f_type != NSFS_MAGIC)
        return fail(ErrorCode::InvalidArgument, path, " is not a namespace");
    return fd;
}

Result<Fd> open_namespace(pid_t pid, std::string_view kind) {
    return open_namespace(concat("/proc/", pid, "/ns/", kind));
}

std::uint64_t namespace_flag(std::string_view kind) {
    if (kind == "mnt") return CLONE_NEWNS;
    if (kind == "pid") return CLONE_NEWPID;
    if (kind == "net") return CLONE_NEWNET;
    if (kind == "ipc") return CLONE_NEWIPC;
    if (kind == "uts") return CLONE_NEWUTS;
    if (kind == "user") return CLONE_NEWUSER;
    if (kind == "cgroup") return CLONE_NEWCGROUP;
    if (kind == "time") return CLONE_NEWTIME;
    return 0;
}

Result<> bring_loopback_up() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return Error::from_errno("socket", errno);
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
        return Error::from_errno("ioctl(SIOCSIFFLAGS)", errno).with_context("lo");
    return {};
}

Result<Fd> make_network_namespace() {
    const Fd own = TRY(open_namespace("/proc/self/ns/net"));
    TRY(unshare(CLONE_NEWNET));
    Result<> up = bring_loopback_up();
    Result<Fd> made = open_namespace("/proc/self/ns/net");
    TRY(enter_namespace(own, CLONE_NEWNET).context("return to the network namespace"));
    TRY(std::move(up));
    return made;
}

namespace {

std::string map_text(const std::vector<IdMapping>& mappings) {
    std::string text;
    for (const auto& mapping : mappings)
        text += concat(mapping.inside, ' ', mapping.outside, ' ', mapping.size, '\n');
    return text;
}

}  // namespace

Result<> write_id_maps(pid_t pid, const IdMaps& maps) {
    const std::string folder = concat("/proc/", pid, "/");
    if (maps.deny_setgroups) TRY(write_file(folder + "setgroups", "deny"));
    if (!maps.gids.empty()) TRY(write_file(folder + "gid_map", map_text(maps.gids)));
    if (!maps.uids.empty()) TRY(write_file(folder + "uid_map", map_text(maps.uids)));
    return {};
}

namespace {

// Shared with the child that is born into the namespaces.
struct Birth {
    int flags = 0;
    pid_t parent = 0;
    int user = -1, network = -1;
    int error = 0;
    // The kernel writes 0 and wakes who waits when the child ends, whatever ended it.
    std::atomic<int> state = being_born;
    static constexpr int being_born = 1, holds = 2;

    void wait_until_held() {
        while (state == being_born)
            ::syscall(SYS_futex, &state, FUTEX_WAIT, being_born, nullptr, nullptr, 0);
    }
};

// Opens its own namespaces: those of a process that may not be looked into are closed to others.
// Then it holds them for the maps to be written, and does not outlive its parent.
int hold_namespaces(void* argument) {
    Birth& birth = *static_cast<Birth*>(argument);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // A parent that died before sends no signal any more.
    if (::getppid() != birth.parent) ::_exit(1);
    birth.user = ::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (birth.user < 0) birth.error = errno;
    if (birth.flags & CLONE_NEWNET) {
        birth.network = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (birth.network < 0) birth.error = errno;
    }
    birth.state = Birth::holds;
    ::syscall(SYS_futex, &birth.state, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    for (;;) ::pause();
}

// The child shares memory and descriptors: neither is copied, however much the caller has of both,
// and what other threads open meanwhile is not kept open by it.
Result<UserAndNetwork> make_with_child(const IdMaps& maps, int flags) {
    alignas(16) std::array<std::byte, 16 * 1024> stack;
    Birth birth{.flags = flags, .parent = ::getpid()};
    const pid_t pid = ::clone(hold_namespaces, stack.data() + stack.size(),
                              flags | CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID, &birth,
                              nullptr, nullptr, &birth.state);
    if (pid < 0) return Error::from_errno("clone", errno).with_context("make a user namespace");
    birth.wait_until_held();
    UserAndNetwork out{.user = Fd(birth.user), .network = Fd(birth.network)};
    Result<> written = write_id_maps(pid, maps);
    ::kill(pid, SIGKILL);
    // Without an exit signal it is a child that only __WCLONE finds, and nobody's SIGCHLD.
    while (::waitpid(pid, nullptr, __WCLONE) < 0 && errno == EINTR) {
    }
    if (birth.error != 0)
        return Error::from_errno("open", birth.error).with_context("a new namespace");
    if (!out.user)
        return fail(ErrorCode::Internal, "the process that holds new namespaces was killed");
    TRY(std::move(written));
    return out;
}

}  // namespace

Result<Fd> make_user_namespace(const IdMaps& maps) {
    UserAndNetwork made = TRY(make_with_child(maps, CLONE_NEWUSER));
    return std::move(made.user);
}

Result<UserAndNetwork> make_user_and_network_namespace(const IdMaps& maps) {
    return make_with_child(maps, CLONE_NEWUSER | CLONE_NEWNET);
}

}  // namespace berth::sys
