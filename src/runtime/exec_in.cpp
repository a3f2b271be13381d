#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/clone_into.h"
#include "runtime/devices.h"
#include "runtime/join.h"
#include "runtime/launch.h"
#include "runtime/seccomp_program.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/socket.h"

namespace berth::runtime {
namespace {

constexpr std::string_view joinable_kinds[] = {"user", "mnt", "pid",    "net",
                                               "ipc",  "uts", "cgroup", "time"};

// Entering one's own user namespace is an error to the kernel, and entering any other of one's own
// is in vain.
Result<std::uint64_t> foreign_namespaces(pid_t init) {
    std::uint64_t flags = 0;
    for (const auto& kind : joinable_kinds) {
        const auto own = sys::stat(concat("/proc/self/ns/", kind));
        // A kernel without time namespaces.
        if (own.is_error() && own.error().is(ErrorCode::NotFound)) continue;
        const struct stat theirs = TRY(sys::stat(concat("/proc/", init, "/ns/", kind)));
        if (theirs.st_ino != own->st_ino || theirs.st_dev != own->st_dev)
            flags |= sys::namespace_flag(kind);
    }
    // The mount namespace in any case: it brings the root and the working directory with it.
    return flags | CLONE_NEWNS;
}

Result<bool> wait_ready(Launched& launched) {
    auto message = TRY(receive_step(launched.channel_));
    if (!message) return false;
    if (message->step != Step::Ready) return error_of(*message);
    if (!message->fds.empty()) launched.terminal_ = std::move(message->fds.front());
    TRY(launched.start());
    return true;
}

}  // namespace

Result<Launched> exec_in(pid_t init, const oci::RuntimeProcess& process,
                         const ExecOptions& options) {
    JoinRequest request{.process = process,
                        .options = options,
                        .init = {},
                        .cgroup_files = {},
                        .null = {},
                        .seccomp = {}};
    request.state = {.id = options.id, .status = "running", .pid = init, .bundle = options.bundle};
    if (options.spec) request.state.annotations = &options.spec->annotations;
    request.init = TRY(sys::Pidfd::open(init).context("the container is not running"));
    const std::uint64_t foreign = TRY(foreign_namespaces(init));
    request.namespaces = foreign & ~std::uint64_t(CLONE_NEWPID);
    request.null =
        TRY(foreign & CLONE_NEWUSER && ::geteuid() == 0 ? open_unchangeable_null()
                                                        : sys::open("/dev/null", O_RDWR));
    sys::Fd cgroup_v2;
    if (options.cgroup) {
        request.cgroup_files = TRY(options.cgroup->open_join_files());
        cgroup_v2 = TRY(options.cgroup->open_v2_directory());
    }
    if (options.spec) {
        request.seccomp =
            TRY(seccomp_program(*options.spec, options.seccomp_cache).context("seccomp"));
        request.seccomp_flags = seccomp_flags(*options.spec);
    }
    TRY(sys::make_undumpable());
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketKind::SeqPacket));
    const sys::Fd& pidfd_as_namespace = request.init.owner();
    const CloneInto clone{.pid_namespace = foreign & CLONE_NEWPID ? &pidfd_as_namespace : nullptr,
                          .cgroup_v2 = cgroup_v2 ? cgroup_v2.get() : -1,
                          .as_sibling = options.as_sibling};
    Launched launched;
    launched.child_ = TRY(clone_into(clone));
    if (launched.pid() == 0) {
        ours.close();
        run_join(request, std::move(theirs));
    }
    theirs.close();
    launched.channel_ = std::move(ours);
    Result<> scored = set_oom_score(launched.pid(), process);
    Result<bool> ready = scored ? wait_ready(launched) : Result<bool>(std::move(scored).error());
    if (ready && *ready) return launched;
    Error error = ready ? vanished(launched.child_, options.as_sibling) : std::move(ready).error();
    reap(launched.child_, options.as_sibling);
    return error;
}

}  // namespace berth::runtime
