#include <signal.h>
#include <sys/mount.h>

#include <chrono>

#include "base/text.h"
#include "codec/json.h"
#include "runtime/command/command.h"
#include "runtime/hooks.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/signal.h"

namespace berth::runtime {
namespace {

codec::Json describe(const ContainerState& state, ContainerStatus status) {
    codec::Json out = {{"ociVersion", oci::runtime_spec_version},
                       {"id", state.id},
                       {"pid", status == ContainerStatus::Stopped ? 0 : state.pid},
                       {"status", to_string(status)},
                       {"bundle", state.bundle},
                       {"rootfs", state.rootfs},
                       {"created", state.created}};
    for (const auto& [key, value] : state.annotations) out["annotations"][key] = value;
    out["owner"] = state.owner == 0 ? "root" : std::to_string(state.owner);
    return out;
}

}  // namespace

CommandResult state_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, {}));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    print(codec::dump_json_pretty(describe(state, TRY(context.store.status(state))), 2) + "\n");
    return 0;
}

CommandResult list_command(const CommandContext& context) {
    static constexpr FlagSpec flags[] = {{"format", 'f', true}, {"quiet", 'q', false}};
    const Arguments arguments = TRY(Arguments::parse(context.words, flags));
    const auto states = TRY(context.store.list());
    codec::Json all = codec::Json::array();
    std::string table = "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n";
    for (const auto& state : states) {
        const auto status = TRY(context.store.status(state));
        if (arguments.has("quiet")) {
            print(state.id + "\n");
            continue;
        }
        all.push_back(describe(state, status));
        table += concat(state.id, '\t', status == ContainerStatus::Stopped ? 0 : state.pid, '\t',
                        to_string(status), '\t', state.bundle, '\t', state.created, '\t',
                        state.owner == 0 ? "root" : std::to_string(state.owner), '\n');
    }
    if (arguments.has("quiet")) return 0;
    const std::string format = arguments.value("format", "table");
    if (format == "json") {
        print(codec::dump_json(all) + "\n");
    } else if (format == "table") {
        print(table);
    } else {
        return fail(ErrorCode::InvalidArgument, "invalid format option");
    }
    return 0;
}

CommandResult ps_command(const CommandContext& context) {
    static constexpr FlagSpec flags[] = {{"format", 'f', true}};
    const Arguments arguments = TRY(parse_with_id(context, flags));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto cgroup = cgroup_of(state);
    const auto pids = cgroup ? TRY(cgroup->processes()) : std::vector<pid_t>();
    if (arguments.value("format") == "json") {
        print(codec::dump_json(codec::Json(pids)) + "\n");
        return 0;
    }
    std::string table = "PID\tPPID\tCMD\n";
    for (const pid_t pid : pids) {
        const auto stat = sys::process_stat(pid);
        const auto command = sys::read_file(concat("/proc/", pid, "/cmdline"));
        if (stat.is_error() || command.is_error()) continue;
        std::string line = *command;
        for (char& c : line) c = c == '\0' || c == '\n' ? ' ' : c;
        table += concat(pid, '\t', stat->parent, '\t', line, '\n');
    }
    print(table);
    return 0;
}

CommandResult kill_command(const CommandContext& context) {
    static constexpr FlagSpec flags[] = {{"all", 'a', false}};
    const Arguments arguments = TRY(parse_with_id(context, flags));
    const std::string name =
        arguments.positional().size() > 1 ? arguments.positional()[1] : "SIGTERM";
    const auto signal = sys::parse_signal(name);
    if (!signal) return fail(ErrorCode::InvalidArgument, "unknown signal \"", name, "\"");
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto cgroup = cgroup_of(state);
    if (arguments.has("all") && cgroup) {
        TRY(cgroup->kill_all(*signal));
        return 0;
    }
    // The handle first, then the look: a pid that was reused meanwhile is not signalled.
    const auto process = sys::Pidfd::open(state.pid);
    if (TRY(context.store.status(state)) == ContainerStatus::Stopped || process.is_error())
        return fail(ErrorCode::Conflict, "container not running");
    TRY(process->send_signal(*signal));
    const auto spec = TRY(context.store.load_config(state.id));
    const bool shares_pids = !spec.linux_config.find_namespace("pid") ||
                             !spec.linux_config.find_namespace("pid")->path.empty();
    if (*signal == SIGKILL && shares_pids && cgroup) TRY(cgroup->kill_all(SIGKILL));
    return 0;
}

namespace {

// SIGKILL and, within a limit, the end of it. The process need not be our child.
Result<> kill_and_wait(const ContainerState& state) {
    const auto process = sys::Pidfd::open(state.pid);
    if (process.is_error()) return {};
    const auto stat = sys::process_stat(state.pid);
    if (stat.is_error() || stat->start_time != state.start_time) return {};
    if (const auto cgroup = cgroup_of(state)) cgroup->thaw().ignore("it was not frozen");
    process->send_signal(SIGKILL).ignore("it has just ended");
    if (!TRY(process->wait_exited(std::chrono::seconds(10))))
        return fail(ErrorCode::TimedOut, "the container's init does not die");
    return {};
}

}  // namespace

Result<> destroy(const StateStore& store, const ContainerState& state) {
    // The hooks' configuration goes with the state, so it is read before.
    const auto spec = store.load_config(state.id);
    if (const auto cgroup = cgroup_of(state)) {
        TRY(cgroup->kill_all(SIGKILL));
        TRY(cgroup->remove());
    }
    // Without a mount namespace of its own the root was attached at its place on the host, see
    // attach_root().
    if (spec && !spec->linux_config.find_namespace("mount"))
        sys::unmount(state.rootfs, MNT_DETACH | UMOUNT_NOFOLLOW)
            .ignore("it went with its namespace");
    TRY(store.remove(state.id));
    if (spec.is_error() || spec->hooks.poststop.empty()) return {};
    const StateDocument document{.id = state.id,
                                 .status = "stopped",
                                 .bundle = state.bundle,
                                 .annotations = &state.annotations};
    // The specification has errors of poststop hooks logged and the rest of them run.
    for (const auto& hook : spec->hooks.poststop)
        run_hooks({hook}, "poststop", document).ignore("the container is gone all the same");
    return {};
}

CommandResult delete_command(const CommandContext& context) {
    static constexpr FlagSpec flags[] = {{"force", 'f', false}};
    const Arguments arguments = TRY(parse_with_id(context, flags));
    const std::string& id = arguments.positional()[0];
    auto loaded = context.store.load(id);
    if (loaded.is_error() && loaded.error().is(ErrorCode::NotFound) && arguments.has("force")) {
        context.store.remove(id).ignore(
            "a creation that was cut off leaves a directory without a state");
        return 0;
    }
    const ContainerState state = TRY(std::move(loaded));
    const auto status = TRY(context.store.status(state));
    const bool may_kill = arguments.has("force") || status == ContainerStatus::Created;
    if (status != ContainerStatus::Stopped && !may_kill)
        return fail(ErrorCode::Conflict, "cannot delete container ", id,
                    " that is not stopped: ", to_string(status));
    TRY(kill_and_wait(state));
    TRY(destroy(context.store, state));
    return 0;
}

CommandResult pause_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, {}));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto status = TRY(context.store.status(state));
    const auto cgroup = cgroup_of(state);
    if (status == ContainerStatus::Stopped || status == ContainerStatus::Paused || !cgroup)
        return fail(ErrorCode::Conflict, "container not running or created: ", to_string(status));
    TRY(cgroup->freeze());
    return 0;
}

CommandResult resume_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, {}));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto cgroup = cgroup_of(state);
    if (TRY(context.store.status(state)) != ContainerStatus::Paused || !cgroup)
        return fail(ErrorCode::Conflict, "container not paused");
    TRY(cgroup->thaw());
    return 0;
}

}  // namespace berth::runtime
