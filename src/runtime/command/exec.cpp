#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/command/command.h"
#include "runtime/command/foreground.h"
#include "runtime/launch.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr FlagSpec exec_flags[] = {
    {"console-socket", 0, true}, {"cwd", 0, true},          {"env", 'e', true},
    {"tty", 't', false},         {"user", 'u', true},       {"additional-gids", 'g', true},
    {"process", 'p', true},      {"detach", 'd', false},    {"pid-file", 0, true},
    {"process-label", 0, true},  {"apparmor", 0, true},     {"no-new-privs", 0, false},
    {"cap", 'c', true},          {"preserve-fds", 0, true}, {"cgroup", 0, true},
    {"ignore-paused", 0, false}, {"pidfd-socket", 0, true}};

// A number and nothing else, below the ids that mean "none": a text that is no number is not taken
// for user 0.
Result<std::uint32_t> parse_id(std::string_view text) {
    const auto number = parse_uint(text);
    if (!number || *number >= 0xFFFFFFFFULL)
        return fail(ErrorCode::InvalidArgument, "invalid user or group id: ", text);
    return static_cast<std::uint32_t>(*number);
}

Result<> set_user(const std::string& text, oci::RuntimeUser& user) {
    const auto pair = split_once(text, ':');
    user.uid = TRY(parse_id(pair ? pair->first : std::string_view(text)));
    if (pair) user.gid = TRY(parse_id(pair->second));
    return {};
}

void add_capability(const std::string& name, oci::RuntimeProcess& process) {
    if (!process.capabilities) process.capabilities.emplace();
    for (auto* set : {&process.capabilities->bounding, &process.capabilities->effective,
                      &process.capabilities->permitted})
        set->push_back(name);
}

Result<oci::RuntimeProcess> process_of(const Arguments& arguments, const oci::RuntimeSpec& spec) {
    if (arguments.has("process"))
        return oci::parse_runtime_process(TRY(sys::read_file(arguments.value("process"))));
    oci::RuntimeProcess process = *spec.process;
    process.args.assign(arguments.positional().begin() + 1, arguments.positional().end());
    if (process.args.empty())
        return fail(ErrorCode::InvalidArgument, "process args cannot be empty");
    if (arguments.has("cwd")) process.cwd = arguments.value("cwd");
    process.terminal = arguments.has("tty");
    for (auto& variable : arguments.values("env")) process.env.push_back(std::move(variable));
    if (arguments.has("user")) TRY(set_user(arguments.value("user"), process.user));
    for (const auto& gid : arguments.values("additional-gids"))
        process.user.additional_gids.push_back(TRY(parse_id(gid)));
    for (const auto& name : arguments.values("cap")) add_capability(name, process);
    if (arguments.has("no-new-privs")) process.no_new_privileges = true;
    if (arguments.has("apparmor")) process.apparmor_profile = arguments.value("apparmor");
    if (arguments.has("process-label")) process.selinux_label = arguments.value("process-label");
    return process;
}

// "[CONTROLLER[,CONTROLLER ...]:]PATH", below the container's cgroup. Without a controller a path
// is for all hierarchies, and then it is the only one.
Result<std::vector<std::pair<std::string, std::string>>> parse_sub_cgroups(
    const std::vector<std::string>& values) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& value : values) {
        const auto pair = split_once(value, ':');
        if (!pair && values.size() > 1)
            return fail(ErrorCode::InvalidArgument, "invalid --cgroup argument: ", value,
                        " (missing <controller>: prefix)");
        if (!pair) {
            out.emplace_back("", value);
            continue;
        }
        for (auto& controller : split(pair->first, ',')) {
            if (controller.empty())
                return fail(ErrorCode::InvalidArgument, "invalid --cgroup argument: ", value,
                            " (empty <controller> prefix)");
            out.emplace_back(std::move(controller), pair->second);
        }
    }
    return out;
}

// Where the container's init is, or the asked for place below the container's own cgroup.
Result<sys::Cgroup> exec_cgroup(const ContainerState& state,
                                const std::vector<std::string>& sub_cgroups) {
    if (sub_cgroups.empty()) return sys::Cgroup::of_process(TRY(sys::cgroup_layout()), state.pid);
    const auto paths = TRY(parse_sub_cgroups(sub_cgroups));
    const auto own = cgroup_of(state);
    if (!own) return fail(ErrorCode::NotFound, "the container has no cgroup");
    return own->below(paths);
}

Result<> check_running(const CommandContext& context, const ContainerState& state,
                       bool ignore_paused) {
    const auto status = TRY(context.store.status(state));
    if (status == ContainerStatus::Stopped)
        return fail(ErrorCode::Conflict, "cannot exec in a stopped container");
    if (status == ContainerStatus::Paused && !ignore_paused)
        return fail(ErrorCode::Conflict,
                    "cannot exec in a paused container (use --ignore-paused to override)");
    return {};
}

}  // namespace

CommandResult exec_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, exec_flags));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    TRY(check_running(context, state, arguments.has("ignore-paused")));
    const oci::RuntimeSpec spec = TRY(context.store.load_config(state.id));
    oci::RuntimeProcess process = TRY(process_of(arguments, spec));
    adopt_window_size(process);
    const bool is_detached = arguments.has("detach");
    if (process.terminal && is_detached && !arguments.has("console-socket"))
        return fail(ErrorCode::InvalidArgument,
                    "cannot allocate tty if runc will detach without setting console socket");

    const sys::Cgroup cgroup =
        TRY(exec_cgroup(state, arguments.values("cgroup")).context("exec --cgroup"));
    ExecOptions options{.cgroup = &cgroup,
                        .spec = &spec,
                        .seccomp_cache = context.store.seccomp_cache(),
                        .id = state.id,
                        .bundle = state.bundle};
    options.preserved_fds = TRY(arguments.number("preserve-fds", 0));
    sys::Fd signals;
    if (!is_detached) signals = TRY(open_signals());
    Launched launched =
        TRY(exec_in(state.pid, process, options).context("unable to start container process"));
    if (arguments.has("console-socket"))
        TRY(send_terminal(arguments.value("console-socket"), launched.terminal_));
    TRY(write_pid_file(arguments.value("pid-file"), launched.pid()));
    if (is_detached) return 0;
    sys::Fd terminal = arguments.has("console-socket") ? sys::Fd() : launched.take_terminal();
    return TRY(forward_until_exit(launched, signals, std::move(terminal))).shell_code();
}

}  // namespace berth::runtime
