#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "runtime/cgroup_plan.h"
#include "runtime/clone_into.h"
#include "runtime/command/command.h"
#include "runtime/command/foreground.h"
#include "runtime/hooks.h"
#include "runtime/in_root.h"
#include "runtime/launch.h"
#include "runtime/sync.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace berth::runtime {
namespace {

constexpr FlagSpec create_flags[] = {{"bundle", 'b', true},        {"console-socket", 0, true},
                                     {"pid-file", 0, true},        {"no-pivot", 0, false},
                                     {"no-new-keyring", 0, false}, {"preserve-fds", 0, true},
                                     {"detach", 'd', false},       {"no-subreaper", 0, false},
                                     {"keep", 0, false},           {"pidfd-socket", 0, true}};

struct Bundle {
    std::string path;
    std::string config;
    oci::RuntimeSpec spec;
};

Result<std::string> absolute(const std::string& path) {
    if (path.starts_with('/')) return clean_absolute_path(path);
    char* folder = ::get_current_dir_name();
    if (!folder) return Error::from_errno("getcwd", errno);
    std::string joined = concat(folder, "/", path);
    ::free(folder);
    return clean_absolute_path(joined);
}

Result<Bundle> load_bundle(const std::string& path) {
    Bundle bundle;
    bundle.path = TRY(absolute(path.empty() ? "." : path));
    bundle.config = TRY(sys::read_file(bundle.path + "/config.json").context("read the bundle"));
    bundle.spec = TRY(oci::parse_runtime_spec(bundle.config).context("config.json"));
    if (!bundle.spec.process)
        return fail(ErrorCode::InvalidArgument, "config.json: process is missing");
    if (bundle.spec.root.path.empty())
        return fail(ErrorCode::InvalidArgument, "config.json: root.path is missing");
    return bundle;
}

Result<> check_terminal(const Bundle& bundle, const Arguments& arguments, bool is_detached) {
    const bool has_socket = arguments.has("console-socket");
    if (bundle.spec.process->terminal && is_detached && !has_socket)
        return fail(ErrorCode::InvalidArgument,
                    "cannot allocate tty if runc will detach without setting console socket");
    if (!bundle.spec.process->terminal && has_socket)
        return fail(ErrorCode::InvalidArgument,
                    "cannot use console socket if runc will not detach or allocate tty");
    return {};
}

// Undoes a creation that did not get through; each part is there only once it was made.
class Creation {
public:
    Creation(const StateStore& store, std::string id) : store_(store), id_(std::move(id)) {}
    ~Creation() {
        if (id_.empty()) return;
        if (cgroup_) cgroup_->remove().ignore("the first error is the one to report");
        store_.remove(id_).ignore("the first error is the one to report");
    }
    void keep() { id_.clear(); }
    std::optional<sys::Cgroup> cgroup_;

private:
    const StateStore& store_;
    std::string id_;
};

Result<LaunchOptions> launch_options(const CommandContext& context, const Arguments& arguments,
                                     const Bundle& bundle, const std::string& id) {
    LaunchOptions options;
    options.root_path = bundle.spec.root.path;
    options.bundle = bundle.path;
    options.id = id;
    options.seccomp_cache = context.store.seccomp_cache();
    options.preserved_fds = TRY(arguments.number("preserve-fds", 0));
    options.no_pivot = arguments.has("no-pivot");
    options.no_new_keyring = arguments.has("no-new-keyring");
    return options;
}

Result<ContainerState> state_of(const Launched& launched, const Bundle& bundle,
                                const std::string& id) {
    const std::string& root = bundle.spec.root.path;
    ContainerState state{.id = id, .pid = launched.pid(), .bundle = bundle.path};
    state.start_time = TRY(sys::process_stat(launched.pid())).start_time;
    state.rootfs = root.starts_with('/') ? root : bundle.path + "/" + root;
    state.created = to_rfc3339(SystemClock().now());
    state.cgroup = cgroup_path(bundle.spec.linux_config.cgroups_path, id);
    state.owner = ::geteuid();
    state.annotations = bundle.spec.annotations;
    return state;
}

struct Created {
    Launched launched;
    ContainerState state;
};

Result<sys::Cgroup> cgroup_for(const Bundle& bundle, const std::string& id) {
    return make_cgroup(bundle.spec, id).context("cgroup");
}

// Everything up to the gate. With `gate`, init waits there for `start`; without, for our word.
Result<Created> create(const CommandContext& context, const Arguments& arguments,
                       const Bundle& bundle, const std::string& id, bool has_gate) {
    TRY(context.store.reserve(id));
    Creation creation(context.store, id);
    TRY(context.store.save_config(id, bundle.config));
    LaunchOptions options = TRY(launch_options(context, arguments, bundle, id));
    sys::Fd gate;
    if (has_gate) {
        gate = TRY(sys::listen_unix(context.store.gate(id), {.kind = sys::SocketKind::SeqPacket}));
        options.gate_listener = gate.get();
    }
    auto cgroup = cgroup_for(bundle, id);
    // Without root there may be no cgroup to be had; the container then runs without limits, in the
    // caller's.
    const bool is_denied = cgroup.is_error() && ::geteuid() != 0;
    if (!is_denied) {
        creation.cgroup_ = TRY(std::move(cgroup));
        options.cgroup = &*creation.cgroup_;
    }
    Created created;
    created.launched =
        TRY(launch(bundle.spec, options).context("unable to start container process"));
    const auto record = [&]() -> Result<> {
        created.state = TRY(state_of(created.launched, bundle, id));
        TRY(context.store.save(created.state));
        if (arguments.has("console-socket"))
            TRY(send_terminal(arguments.value("console-socket"), created.launched.terminal_));
        return write_pid_file(arguments.value("pid-file"), created.launched.pid());
    };
    Result<> recorded = record();
    if (recorded.is_error()) {
        created.launched.pidfd().send_signal(SIGKILL).ignore("it died by itself");
        created.launched.pidfd().wait().ignore("only reaped");
        return std::move(recorded).error();
    }
    creation.keep();
    return created;
}

StateDocument document_of(const ContainerState& state, const char* status) {
    return {.id = state.id,
            .status = status,
            .pid = state.pid,
            .bundle = state.bundle,
            .annotations = &state.annotations};
}

}  // namespace

CommandResult create_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, create_flags));
    const Bundle bundle = TRY(load_bundle(arguments.value("bundle")));
    TRY(check_terminal(bundle, arguments, true));
    Created created = TRY(create(context, arguments, bundle, arguments.positional()[0], true));
    created.launched.detach();
    return 0;
}

namespace {

Result<> start_and_announce(Created& created, const Bundle& bundle) {
    TRY(created.launched.start().context("unable to start container process"));
    return run_hooks(bundle.spec.hooks.poststart, "poststart",
                     document_of(created.state, "running"));
}

}  // namespace

CommandResult run_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, create_flags));
    Bundle bundle = TRY(load_bundle(arguments.value("bundle")));
    if (!arguments.has("console-socket")) adopt_window_size(*bundle.spec.process);
    const bool is_detached = arguments.has("detach");
    TRY(check_terminal(bundle, arguments, is_detached));
    sys::Fd signals;
    if (!is_detached) signals = TRY(open_signals());
    Created created = TRY(create(context, arguments, bundle, arguments.positional()[0], false));
    const Result<> started = start_and_announce(created, bundle);
    if (started.is_error()) {
        created.launched.pidfd().send_signal(SIGKILL).ignore("it is gone already");
        created.launched.pidfd().wait().ignore("only reaped");
        destroy(context.store, created.state).ignore("the first error is the one to report");
        return started.error().clone();
    }
    if (is_detached) return 0;
    sys::Fd terminal =
        arguments.has("console-socket") ? sys::Fd() : created.launched.take_terminal();
    const auto status = TRY(forward_until_exit(created.launched, signals, std::move(terminal)));
    if (!arguments.has("keep")) TRY(destroy(context.store, created.state));
    return status.shell_code();
}

CommandResult start_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, {}));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto status = TRY(context.store.status(state));
    if (status == ContainerStatus::Stopped)
        return fail(ErrorCode::Conflict, "cannot start a container that has stopped");
    if (status != ContainerStatus::Created)
        return fail(ErrorCode::Conflict, "cannot start a container in the ", to_string(status),
                    " state");
    const auto process = TRY(sys::Pidfd::open(state.pid));
    const std::string gate = context.store.gate(state.id);
    const sys::Fd connection = TRY(sys::connect_unix(gate, sys::SocketKind::SeqPacket));
    // Whoever removes the socket is the one who starts: a second `start` at this moment finds it
    // gone.
    TRY(sys::unlink(gate).context("start"));
    TRY(send_start(connection, state.pid));
    TRY(await_exec(connection).context("unable to start container process"));
    const auto spec = TRY(context.store.load_config(state.id));
    const Result<> announced =
        run_hooks(spec.hooks.poststart, "poststart", document_of(state, "running"));
    if (announced.is_error()) {
        // runtime.md "Lifecycle", step 9: the container does not go on without its hooks.
        process.send_signal(SIGKILL).ignore("it has ended by itself");
        return announced.error().clone();
    }
    return 0;
}

}  // namespace berth::runtime
