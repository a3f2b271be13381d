#include "runtime/init.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "runtime/devices.h"
#include "runtime/finish.h"
#include "runtime/hooks.h"
#include "runtime/identity.h"
#include "runtime/in_root.h"
#include "runtime/mounts.h"
#include "runtime/net_devices.h"
#include "runtime/program.h"
#include "runtime/seccomp_listener.h"
#include "runtime/sync.h"
#include "runtime/sysctls.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"
#include "sys/terminal.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

// The order of the steps is the security of the container. Cgroups are joined while the host's
// names still resolve. Nothing of the image is opened before it is attached as this namespace's own
// tree, and then only inside that root. Limits and filters come when no further privileged call is
// needed, the program is looked up as the user it will run as, and the descriptors of the host are
// gone (close-on-exec) the moment it runs.
namespace berth::runtime {
namespace {

Result<> become_namespace_root() {
    if (::setresgid(0, 0, 0) < 0)
        return Error::from_errno("setresgid", errno).with_context("user namespace");
    if (::setresuid(0, 0, 0) < 0)
        return Error::from_errno("setresuid", errno).with_context("user namespace");
    // A change of user makes the process dumpable by its new owner, who may be in the container.
    return sys::make_undumpable();
}

// The caller's namespaces can be joined with the caller's rights; those that belong to the user
// namespace only from inside it. So each is tried before, and what was refused again afterwards.
Result<std::vector<const NamespaceToJoin*>> join_early(const Preparation& preparation) {
    std::vector<const NamespaceToJoin*> refused;
    for (const auto& join : preparation.joins) {
        Result<> joined = sys::enter_namespace(join.fd, join.flag);
        if (joined) continue;
        if (joined.error().error_number() != EPERM)
            return std::move(joined).error().with_context("join a namespace");
        refused.push_back(&join);
    }
    return refused;
}

// Has the parent do something, and waits until it is done.
Result<> ask(sys::BorrowedFd channel, Step step) {
    TRY(send_step(channel, step));
    TRY(await_step(channel, Step::Continue));
    return {};
}

Result<> enter_user_namespace(const Preparation& preparation, sys::BorrowedFd channel) {
    if (preparation.user_namespace) {
        TRY(sys::enter_namespace(preparation.user_namespace, CLONE_NEWUSER)
                .context("join the user namespace"));
    } else {
        TRY(sys::unshare(CLONE_NEWUSER).context("make a user namespace"));
        // Without root, the maps can be written only to a process that its owner may look at; the
        // container does not exist yet.
        if (preparation.id_maps.deny_setgroups) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        TRY(ask(channel, Step::NeedMaps));
    }
    return become_namespace_root();
}

// New pid and time namespaces start with the next child, which becomes init in place of this
// process: a child of the same parent, with the same memory and channel.
Result<> hand_on_to_successor(sys::BorrowedFd channel) {
    const sys::Child successor = TRY(sys::clone_process({.flags = CLONE_PARENT}));
    if (successor.pid == 0) {
        // The parent would take what comes before its predecessor's word for that one's.
        TRY(await_step(channel, Step::Continue));
        return {};
    }
    TRY(send_successor(channel, successor.pid, successor.pidfd.fd()));
    ::_exit(0);
}

Result<> settle_namespaces(const Preparation& preparation, sys::BorrowedFd channel) {
    const auto refused = TRY(join_early(preparation));
    const bool has_user_namespace = preparation.user_namespace || preparation.new_user_namespace;
    // Root of a user namespace cannot raise a hard limit.
    if (has_user_namespace) TRY(raise_hard_limits(preparation.process));
    if (has_user_namespace) TRY(enter_user_namespace(preparation, channel));
    for (const auto* join : refused)
        TRY(sys::enter_namespace(join->fd, join->flag).context("join a namespace"));
    if (preparation.late_flags)
        TRY(sys::unshare(preparation.late_flags).context("make namespaces"));
    if (!preparation.spec.linux_config.time_offsets.empty())
        TRY(ask(channel, Step::NeedTimeOffsets));
    if (preparation.late_flags & (CLONE_NEWPID | CLONE_NEWTIME)) TRY(hand_on_to_successor(channel));
    if (preparation.new_cgroup_namespace)
        TRY(sys::unshare(CLONE_NEWCGROUP).context("make a cgroup namespace"));
    if (preparation.new_network_namespace) TRY(sys::bring_loopback_up());
    if (preparation.net_devices.empty()) return {};
    TRY(ask(channel, Step::NeedDevices));
    return settle_net_devices(preparation.net_devices);
}

void leave_keyring() {
    constexpr int join_session_keyring = 1;
    // A kernel without keys has none to share.
    ::syscall(SYS_keyctl, join_session_keyring, nullptr);
}

Result<> set_names(const oci::RuntimeSpec& spec) {
    if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0)
        return Error::from_errno("sethostname", errno);
    if (!spec.domainname.empty() &&
        ::setdomainname(spec.domainname.data(), spec.domainname.size()) < 0)
        return Error::from_errno("setdomainname", errno);
    return {};
}

// Through the procfs that was mounted here: a link or a mount that stands in for it is an error.
Result<> set_sysctls(const Preparation& preparation, const Mounted& mounted) {
    const oci::RuntimeLinux& config = preparation.spec.linux_config;
    const bool has_network = preparation.options.network_namespace >= 0;
    for (const auto& [key, value] : config.sysctl) {
        const std::string path = TRY(sysctl_file(key, config, has_network));
        Result<sys::Fd> file = sys::open_beneath(mounted.proc, path, O_WRONLY | O_TRUNC);
        if (file.is_error()) return std::move(file).error().with_context(concat("sysctl ", key));
        TRY(sys::write_all(*file, std::string_view(value)).context("sysctl ", key, "=", value));
    }
    return {};
}

Result<> build_root(Preparation& preparation, Mounted& mounted, sys::BorrowedFd channel) {
    if (!preparation.root) TRY(prepare_trees(preparation));
    mounted = TRY(attach_root(preparation));
    const auto& hooks = preparation.spec.hooks;
    if (!hooks.prestart.empty() || !hooks.create_runtime.empty()) {
        TRY(ask(channel, Step::NeedHooks));
    }
    TRY(make_mounts(preparation, mounted));
    if (!mounted.dev_is_bound) TRY(make_devices(preparation, mounted.root, mounted.dev));
    return {};
}

StateDocument state_of(const Preparation& preparation, const char* status) {
    return {.id = preparation.options.id,
            .status = status,
            .pid = ::getpid(),
            .bundle = preparation.options.bundle,
            .annotations = &preparation.spec.annotations};
}

Result<> show_console(const Mounted& mounted, sys::BorrowedFd slave) {
    if (mounted.dev_is_bound) return {};
    // A bind mount of the terminal's own descriptor: nothing is looked up in the container's
    // /dev/pts.
    const sys::DetachedMount tree = TRY(sys::clone_tree(slave).context("/dev/console"));
    const sys::Fd target = TRY(ensure_file(mounted.dev, "/console"));
    return tree.attach(target).context("/dev/console");
}

// The container's own devpts where there is one; the terminal's name inside is right then.
Result<sys::Fd> set_up_terminal(const Preparation& preparation, const Mounted& mounted) {
    auto pty = TRY((mounted.devpts ? sys::open_pty_at(mounted.devpts) : sys::open_pty())
                       .context("make a terminal"));
    TRY(show_console(mounted, pty.slave));
    TRY(take_terminal(pty, preparation.process));
    return std::move(pty.master);
}

// What runs after the root is the container's: names, terminal, user.
Result<> finish_inside(Preparation& preparation, Mounted& mounted, sys::Fd& terminal) {
    TRY(set_names(preparation.spec));
    TRY(set_sysctls(preparation, mounted));
    if (preparation.process.terminal) {
        terminal = TRY(set_up_terminal(preparation, mounted));
    } else {
        const auto bound_dev = sys::open_in_root(mounted.root, "/dev", O_PATH | O_DIRECTORY);
        const sys::Fd none;
        const sys::Fd& dev = mounted.dev ? mounted.dev : bound_dev ? *bound_dev : none;
        TRY(take_streams(preparation.options.streams, dev,
                         preparation.null ? preparation.null : mounted.null));
    }
    TRY(protect_paths(preparation, mounted));
    return run_hooks(preparation.spec.hooks.create_container, "createContainer",
                     state_of(preparation, "creating"));
}

// Waits for permission to start. At a listening socket everyone who may connect (mode 0600, a
// private directory) may start the container; the connection then carries the outcome. Returns our
// pid for the parent.
Result<pid_t> wait_at_gate(const Preparation& preparation, sys::Fd& channel, sys::Fd terminal) {
    std::vector<int> fds;
    if (terminal) fds.push_back(terminal.get());
    TRY(send_step(channel, Step::Ready, fds));
    terminal.close();
    const auto as_pid = [](std::string_view text) {
        return static_cast<pid_t>(parse_int(text).value_or(0));
    };
    if (preparation.options.gate_listener < 0) return as_pid(TRY(await_step(channel, Step::Start)));
    for (;;) {
        channel = TRY(sys::accept(preparation.options.gate_listener));
        if (const auto text = await_step(channel, Step::Start)) return as_pid(*text);
    }
}

Result<> run(Preparation& preparation, sys::Fd& channel) {
    sys::reset_signals();
    if (!preparation.options.no_new_keyring) leave_keyring();
    TRY(sys::Cgroup::join(preparation.cgroup_files));
    preparation.cgroup_files.clear();
    TRY(settle_namespaces(preparation, channel));
    // ESRCH and EPERM cannot happen in a fresh process; a session of its own keeps the caller's
    // terminal out of reach.
    ::setsid();
    Mounted mounted;
    TRY(build_root(preparation, mounted, channel));
    sys::Fd terminal;
    TRY(finish_inside(preparation, mounted, terminal));
    TRY(enter_root(preparation, mounted));
    TRY(set_root_propagation(preparation, mounted));

    const auto& process = preparation.process;
    TRY(set_labels(process, mounted.proc));
    mounted = {};
    TRY(set_scheduling(process));
    TRY(set_domain(preparation.spec.linux_config));
    TRY(set_limits(process));
    const std::string program = TRY(enter_as_user(process, !preparation.seccomp.empty(), true));
    const pid_t outer_pid = TRY(wait_at_gate(preparation, channel, std::move(terminal)));
    TRY(run_hooks(preparation.spec.hooks.start_container, "startContainer",
                  state_of(preparation, "created")));
    TRY(finish_privileges(
        process, preparation.seccomp, preparation.seccomp_flags, [&](sys::Fd listener) {
            const auto& profile = *preparation.spec.linux_config.seccomp;
            return send_listener(
                channel, listener_text(profile, state_of(preparation, "creating"), outer_pid),
                listener);
        }));
    return execute(program, process.args, process.env);
}

}  // namespace

void run_init(Preparation& preparation, sys::Fd channel) {
    const Result<> outcome = run(preparation, channel);
    if (outcome.is_error())
        send_failure(channel, outcome.error()).ignore("without a parent nobody wants to know");
    ::_exit(1);
}

}  // namespace berth::runtime
