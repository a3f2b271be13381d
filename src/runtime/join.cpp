#include "runtime/join.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/finish.h"
#include "runtime/identity.h"
#include "runtime/program.h"
#include "runtime/seccomp_listener.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/scheduling.h"
#include "sys/signal.h"

// From the setns on this process is in the container's sight while its memory is still ours. It
// cannot be traced or looked into (not dumpable), all its descriptors close on exec, and it runs no
// code of the container before exec.
namespace berth::runtime {
namespace {

Result<> enter_container(const JoinRequest& request) {
    TRY(sys::enter_namespace(request.init.fd(), request.namespaces).context("enter the container"));
    if (!(request.namespaces & CLONE_NEWUSER)) return {};
    if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)
        return Error::from_errno("setresuid", errno);
    return sys::make_undumpable();
}

// The container's devpts, so that the terminal has a name there; without one, a terminal of the
// host's.
Result<sys::Pty> open_terminal() {
    auto devpts = sys::open("/dev/pts", O_PATH | O_DIRECTORY);
    if (devpts) {
        auto pty = sys::open_pty_at(*devpts);
        if (pty) return pty;
    }
    return fail(ErrorCode::Unsupported,
                "the container has no devpts at /dev/pts to make a terminal in");
}

Result<> set_exec_labels(const oci::RuntimeProcess& process) {
    if (process.apparmor_profile.empty() && process.selinux_label.empty()) return {};
    // A private procfs: the container's /proc could be anything.
    const sys::DetachedMount proc = TRY(sys::make_mount("proc", {}));
    return set_labels(process, proc.fd());
}

Result<> run(JoinRequest& request, sys::Fd& channel) {
    const auto& process = request.process;
    sys::reset_signals();
    const auto& affinity = process.exec_cpu_affinity;
    if (!affinity.initial.empty())
        TRY(sys::set_cpu_affinity(affinity.initial).context("process.execCPUAffinity.initial"));
    TRY(sys::Cgroup::join(request.cgroup_files));
    if (!affinity.final.empty())
        TRY(sys::set_cpu_affinity(affinity.final).context("process.execCPUAffinity.final"));
    request.cgroup_files.clear();
    ::setsid();
    if (request.namespaces & CLONE_NEWUSER) TRY(raise_hard_limits(process));
    TRY(enter_container(request));
    sys::Fd terminal;
    if (process.terminal) {
        auto pty = TRY(open_terminal());
        TRY(take_terminal(pty, process));
        terminal = std::move(pty.master);
    } else {
        const auto dev = sys::open("/dev", O_PATH | O_DIRECTORY);
        const sys::Fd none;
        TRY(take_streams(request.options.streams, dev ? *dev : none, request.null));
    }
    TRY(set_exec_labels(process));
    TRY(set_scheduling(process));
    if (request.options.spec) TRY(set_domain(request.options.spec->linux_config));
    TRY(set_limits(process));
    const std::string program = TRY(enter_as_user(process, !request.seccomp.empty(), false));
    std::vector<int> fds;
    if (terminal) fds.push_back(terminal.get());
    TRY(send_step(channel, Step::Ready, fds));
    terminal.close();
    const auto outer_pid = parse_int(TRY(await_step(channel, Step::Start)));
    TRY(finish_privileges(process, request.seccomp, request.seccomp_flags, [&](sys::Fd listener) {
        const auto& profile = *request.options.spec->linux_config.seccomp;
        return send_listener(
            channel,
            listener_text(profile, request.state, static_cast<pid_t>(outer_pid.value_or(0))),
            listener);
    }));
    return execute(program, process.args, process.env);
}

}  // namespace

void run_join(JoinRequest& request, sys::Fd channel) {
    const Result<> outcome = run(request, channel);
    if (outcome.is_error())
        send_failure(channel, outcome.error()).ignore("without a parent nobody wants to know");
    ::_exit(1);
}

}  // namespace berth::runtime
