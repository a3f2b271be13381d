#include "runtime/launch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include "base/text.h"
#include "runtime/clone_into.h"
#include "runtime/hooks.h"
#include "runtime/init.h"
#include "runtime/preparation_internal.h"
#include "runtime/seccomp_listener.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/socket.h"

namespace berth::runtime {

Result<> set_oom_score(pid_t pid, const oci::RuntimeProcess& process) {
    if (!process.oom_score_adj) return {};
    const std::string value = std::to_string(*process.oom_score_adj);
    const Result<> written = sys::write_file(concat("/proc/", pid, "/oom_score_adj"), value);
    // EACCES: without CAP_SYS_RESOURCE the score can only be raised. The container keeps ours.
    if (written.is_error() && written.error().is(ErrorCode::PermissionDenied)) return {};
    return written.is_error() ? Result<>(written.error().clone().with_context("set oom_score_adj"))
                              : Result<>();
}

Result<sys::Child> clone_into(const CloneInto& request) {
    sys::Fd own_pid_namespace;
    if (request.pid_namespace) {
        // Only children of this process are affected, and only until the line below.
        own_pid_namespace = TRY(sys::open_namespace("/proc/self/ns/pid"));
        TRY(sys::enter_namespace(*request.pid_namespace, CLONE_NEWPID)
                .context("join the pid namespace"));
    }
    Result<sys::Child> child =
        sys::clone_process({.flags = request.flags | (request.as_sibling ? CLONE_PARENT : 0),
                            .cgroup = request.cgroup_v2});
    if (child && child->pid == 0) return child;
    if (own_pid_namespace)
        TRY(sys::enter_namespace(own_pid_namespace, CLONE_NEWPID)
                .context("return to the pid namespace"));
    return std::move(child).context("clone");
}

void reap(const sys::Child& child, bool as_sibling) {
    child.pidfd.send_signal(SIGKILL).ignore("it is gone already");
    if (!as_sibling) child.pidfd.wait().ignore("reaped elsewhere");
}

Error error_of(const Message& message) { return Error(message.code, message.text); }

Error vanished(const sys::Child& child, bool as_sibling) {
    if (as_sibling)
        return fail(ErrorCode::Internal, "the container's first process died while it was set up");
    const auto status = child.pidfd.wait();
    return fail(ErrorCode::Internal, "the container's first process died while it was set up",
                status ? concat(" (exit status ", status->shell_code(), ")") : std::string());
}

namespace {

StateDocument state_of(const LaunchOptions& options, const oci::RuntimeSpec& spec, pid_t pid) {
    return {.id = options.id,
            .status = "creating",
            .pid = pid,
            .bundle = options.bundle,
            .annotations = &spec.annotations};
}

// The child that was cloned made the one that will be init. Both are children of the same parent,
// so this one's status is for us to take, or for whoever the helper works for.
Result<> adopt_successor(Message& message, const Preparation& preparation, Launched& launched) {
    const auto pid = parse_int(message.text);
    if (!pid || message.fds.empty())
        return fail(ErrorCode::Corrupted, "a successor without a handle");
    if (preparation.options.as_sibling) {
        launched.predecessor_ = launched.pid();
    } else {
        launched.pidfd().wait().ignore("only reaped");
    }
    launched.child_ = {.pid = static_cast<pid_t>(*pid),
                       .pidfd = sys::Pidfd(std::move(message.fds.front()))};
    TRY(set_oom_score(launched.pid(), preparation.process));
    return send_step(launched.channel_, Step::Continue);
}

Result<> set_clocks(pid_t pid,
                    const std::vector<std::pair<std::string, oci::RuntimeTimeOffset>>& offsets) {
    std::string lines;
    for (const auto& [clock, offset] : offsets)
        lines += concat(clock, ' ', offset.secs, ' ', offset.nanosecs, '\n');
    return sys::write_file(concat("/proc/", pid, "/timens_offsets"), lines);
}

Result<> answer(Message& message, const Preparation& preparation, Launched& launched) {
    if (message.step == Step::Successor) return adopt_successor(message, preparation, launched);
    const auto& spec = preparation.spec;
    if (message.step == Step::NeedMaps) {
        TRY(sys::write_id_maps(launched.pid(), preparation.id_maps).context("map users"));
    } else if (message.step == Step::NeedTimeOffsets) {
        TRY(set_clocks(launched.pid(), spec.linux_config.time_offsets)
                .context("linux.timeOffsets"));
    } else if (message.step == Step::NeedDevices) {
        TRY(move_net_devices(preparation.net_devices, launched.pid()).context("linux.netDevices"));
    } else {
        const auto state = state_of(preparation.options, spec, launched.pid());
        TRY(run_hooks(spec.hooks.prestart, "prestart", state));
        TRY(run_hooks(spec.hooks.create_runtime, "createRuntime", state));
    }
    return send_step(launched.channel_, Step::Continue);
}

// Serves the child until it is ready. True: it is; false: it ended without a word.
Result<bool> serve(const Preparation& preparation, Launched& launched) {
    for (;;) {
        auto message = TRY(receive_step(launched.channel_));
        if (!message) return false;
        if (message->step == Step::Failed) return error_of(*message);
        if (message->step == Step::Ready) {
            if (!message->fds.empty()) launched.terminal_ = std::move(message->fds.front());
            return true;
        }
        TRY(answer(*message, preparation, launched));
    }
}

}  // namespace

Result<Launched> launch(const oci::RuntimeSpec& spec, const LaunchOptions& options) {
    Preparation preparation = TRY(prepare(spec, options));
    TRY(sys::make_undumpable());
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketKind::SeqPacket));
    const CloneInto request{
        .flags = preparation.clone_flags,
        .pid_namespace = preparation.pid_namespace ? &preparation.pid_namespace : nullptr,
        .cgroup_v2 = preparation.cgroup_v2 ? preparation.cgroup_v2.get() : -1,
        .as_sibling = options.as_sibling};
    Launched launched;
    launched.child_ = TRY(clone_into(request));
    if (launched.pid() == 0) {
        ours.close();
        run_init(preparation, std::move(theirs));
    }
    theirs.close();
    launched.channel_ = std::move(ours);
    Result<> scored = set_oom_score(launched.pid(), *spec.process);
    Result<bool> served =
        scored ? serve(preparation, launched) : Result<bool>(std::move(scored).error());
    if (served && *served) return launched;
    Error error =
        served ? vanished(launched.child_, options.as_sibling) : std::move(served).error();
    reap(launched.child_, options.as_sibling);
    return error;
}

Result<> Launched::start() {
    TRY(send_start(channel_, pid()));
    return await_running();
}

Result<> await_exec(sys::BorrowedFd channel) {
    for (;;) {
        const auto message = TRY(receive_step(channel));
        if (!message) return {};
        if (message->step == Step::Failed) return error_of(*message);
        if (message->step != Step::SeccompListener)
            return fail(ErrorCode::Corrupted, "a step out of order");
        TRY(forward_listener(*message));
    }
}

Result<> Launched::await_running() {
    Result<> outcome = await_exec(channel_);
    // Nobody answers for the container's calls when its supervisor is not there.
    if (outcome.is_error()) pidfd().send_signal(SIGKILL).ignore("it is gone already");
    channel_.close();
    return outcome;
}

}  // namespace berth::runtime
