#include "sys/namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
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
    if (::fstatfs(fd.get(), &file_system) < 0) return Error::from_errno("fstatfs", errno).with_context(path);
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

Result<> write_file(const std::string& path, std::string_view text) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return Error::from_errno("open", errno).with_context(path);
    if (::write(file.get(), text.data(), text.size()) < 0)
        return Error::from_errno("write", errno).with_context(path);
    return {};
}

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

Result<Fd> make_user_namespace(const IdMaps& maps) {
    const Child child = TRY(clone_process({.flags = CLONE_NEWUSER}));
    if (child.pid == 0) {
        for (;;) ::pause();
    }
    Result<> written = write_id_maps(child.pid, maps);
    Result<Fd> made = open_namespace(child.pid, "user");
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    TRY(std::move(written));
    return made;
}

}  // namespace berth::sys
