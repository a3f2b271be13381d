// Instructions that change the configuration, and WORKDIR.
#include <algorithm>

#include "build/dockerfile/compile_internal.h"
#include "codec/json.h"
#include "sys/signal.h"

namespace berth::build::dockerfile {
namespace {

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};

template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;  // Clang 14 does not make it by itself

std::string json_text(const std::vector<std::string>& words) {
    return codec::dump_json(codec::Json(words));
}

void add_unique(std::vector<std::string>& list, std::string value) {
    if (std::ranges::find(list, value) == list.end()) list.push_back(std::move(value));
}

// "80", "80/udp", "8000-8002/tcp"; an address or host port in front is Docker's `-p`, and means
// nothing here.
std::optional<std::vector<std::string>> parse_port(std::string_view text) {
    const auto pair = split_once(text, '/');
    const std::string protocol = pair ? to_lower(pair->second) : "tcp";
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return std::nullopt;
    std::string_view ports = pair ? pair->first : text;
    if (const auto colon = ports.rfind(':'); colon != std::string_view::npos)
        ports.remove_prefix(colon + 1);
    const auto range = split_once(ports, '-');
    const auto first = parse_uint(range ? range->first : ports);
    const auto last = range ? parse_uint(range->second) : first;
    if (!first || !last || *first < 1 || *last > 65535 || *first > *last) return std::nullopt;
    std::vector<std::string> out;
    for (auto port = *first; port <= *last; ++port) out.push_back(concat(port, "/", protocol));
    return out;
}

}  // namespace

Result<> Compiler::apply(std::size_t stage_index, const Instruction& instruction) {
    StageState& state = stages_[stage_index];
    if (const auto* run = std::get_if<Run>(&instruction.body))
        return apply_run(stage_index, instruction, *run, state);
    if (const auto* copy = std::get_if<Copy>(&instruction.body))
        return apply_copy(stage_index, instruction, *copy, state);
    if (const auto* workdir = std::get_if<Workdir>(&instruction.body))
        return apply_workdir(stage_index, instruction, *workdir, state);
    add_step(stage_index, instruction, true);
    return apply_settings(instruction, state);
}

Result<> Compiler::apply_settings(const Instruction& instruction, StageState& state) {
    auto& config = state.image.config;
    return std::visit(
        Overloaded{
            [&](const Arg& arg) { return apply_arg(instruction, arg, state); },
            [&](const Env& env) { return apply_env(instruction, env, state); },
            [&](const Label& label) { return apply_label(instruction, label, state); },
            [&](const Expose& expose) { return apply_expose(instruction, expose, state); },
            [&](const User& user) -> Result<> {
                config.user = TRY(expand(instruction, state, user.user));
                add_history(state, "USER " + config.user);
                return {};
            },
            [&](const Volume& volume) -> Result<> {
                std::vector<std::string> paths;
                for (const auto& raw : volume.paths) {
                    const std::string path = TRY(expand(instruction, state, raw));
                    if (path.empty())
                        return source_.error(instruction.place,
                                             "VOLUME specified can not be an empty string");
                    paths.push_back(path);
                    add_unique(config.volumes, path);
                }
                add_history(state, "VOLUME [" + join(paths, " ") + "]");
                return {};
            },
            [&](const StopSignal& stop) -> Result<> {
                config.stop_signal = TRY(expand(instruction, state, stop.signal));
                if (!sys::parse_signal(config.stop_signal))
                    return source_.error(instruction.place,
                                         concat("invalid signal: ", config.stop_signal));
                add_history(state, "STOPSIGNAL " + config.stop_signal);
                return {};
            },
            [&](const Cmd& cmd) -> Result<> {
                apply_command(cmd.command, false, state);
                return {};
            },
            [&](const Entrypoint& entrypoint) -> Result<> {
                apply_command(entrypoint.command, true, state);
                return {};
            },
            [&](const Shell& shell) -> Result<> {
                config.shell = shell.words;
                add_history(state, "SHELL [" + join(shell.words, " ") + "]");
                return {};
            },
            [&](const Healthcheck& check) -> Result<> {
                apply_healthcheck(check, state);
                add_history(state, instruction.text);
                return {};
            },
            [&](const OnBuild& trigger) -> Result<> {
                config.on_build.push_back(trigger.instruction);
                add_history(state, "ONBUILD " + trigger.instruction);
                return {};
            },
            [&](const Maintainer& maintainer) -> Result<> {
                state.image.author = maintainer.name;
                add_history(state, "MAINTAINER " + maintainer.name);
                return {};
            },
            // Handled elsewhere.
            [](const From&) -> Result<> { return {}; },
            [](const Run&) -> Result<> { return {}; },
            [](const Copy&) -> Result<> { return {}; },
            [](const Workdir&) -> Result<> { return {}; },
        },
        instruction.body);
}

Result<> Compiler::apply_arg(const Instruction& instruction, const Arg& arg, StageState& state) {
    std::vector<std::string> shown;
    for (const auto& variable : arg.variables) {
        std::optional<std::string> value = build_arg(variable.key);
        if (!value && variable.value) value = TRY(expand(instruction, state, *variable.value));
        if (!value && !variable.value) value = global(variable.key);
        state.set_arg(variable.key, value);
        shown.push_back(value ? concat(variable.key, "=", *value) : variable.key);
    }
    add_history(state, "ARG " + join(shown, " "));
    return {};
}

Result<> Compiler::apply_env(const Instruction& instruction, const Env& env, StageState& state) {
    // All values see the variables as they were before the instruction.
    std::vector<std::pair<std::string, std::string>> values;
    for (const auto& variable : env.variables) {
        std::string key = TRY(expand(instruction, state, variable.key));
        if (key.empty()) return source_.error(variable.place, "ENV names can not be blank");
        std::string value = TRY(expand(instruction, state, variable.value.value_or("")));
        values.emplace_back(std::move(key), std::move(value));
    }
    std::vector<std::string> shown;
    for (const auto& [key, value] : values) {
        state.image.config.set_env(key, value);
        shown.push_back(concat(key, "=", value));
    }
    add_history(state, "ENV " + join(shown, " "));
    return {};
}

Result<> Compiler::apply_label(const Instruction& instruction, const Label& label,
                               StageState& state) {
    std::vector<std::string> shown;
    for (const auto& pair : label.labels) {
        const std::string key = TRY(expand(instruction, state, pair.key));
        const std::string value = TRY(expand(instruction, state, pair.value.value_or("")));
        if (key.empty()) return source_.error(pair.place, "LABEL names can not be blank");
        state.image.config.set_label(key, value);
        shown.push_back(concat(key, "=", value));
    }
    add_history(state, "LABEL " + join(shown, " "));
    return {};
}

Result<> Compiler::apply_expose(const Instruction& instruction, const Expose& expose,
                                StageState& state) {
    std::vector<std::string> ports;
    Expander expander = expander_for(state);
    for (const auto& raw : expose.ports) {
        const auto words = expander.expand_words(raw);
        if (!words) return error(instruction, words.error());
        for (const auto& word : *words) {
            const auto parsed = parse_port(word);
            if (!parsed)
                return source_.error(instruction.place, concat("invalid containerPort: ", word));
            ports.insert(ports.end(), parsed->begin(), parsed->end());
        }
    }
    note_undefined(instruction, expander);
    if (ports.empty())
        return source_.error(instruction.place, "EXPOSE requires at least one argument");
    for (const auto& port : ports) add_unique(state.image.config.exposed_ports, port);
    add_history(state, "EXPOSE [" + join(ports, " ") + "]");
    return {};
}

Result<> Compiler::apply_workdir(std::size_t stage_index, const Instruction& instruction,
                                 const Workdir& workdir, StageState& state) {
    const std::string path = TRY(expand(instruction, state, workdir.path));
    if (path.empty()) return source_.error(instruction.place, "WORKDIR needs a path");
    if (!path.starts_with('/') &&
        (state.image.config.working_dir.empty() || state.image.config.working_dir == "/"))
        plan_.warnings.push_back(
            {"WorkdirRelativePath",
             concat("Relative workdir \"", path,
                    "\" can have unexpected results if the base image changes"),
             instruction.place});
    const std::string directory = resolve_path(state.image.config.working_dir, path);
    state.image.config.working_dir = directory;
    if (directory == "/") {
        add_step(stage_index, instruction, true);
        add_history(state, "WORKDIR /");
        return {};
    }
    const std::size_t step = add_step(stage_index, instruction, false);
    FileOp op{.actions = {MakeDirectoryAction{.path = directory, .mode = 0755, .chown = {}}},
              .skip_empty_layer = true};
    state.root = add_vertex({.op = std::move(op),
                             .inputs = {state.root},
                             .step = step,
                             .ignore_cache = ignores_cache(stage_index)});
    add_history(state, "WORKDIR " + directory, state.root);
    return {};
}

void Compiler::apply_command(const CommandLine& command, bool is_entrypoint, StageState& state) {
    auto& config = state.image.config;
    std::vector<std::string> args = command.words;
    if (!command.is_exec_form) {
        args = config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : config.shell;
        args.push_back(command.words.front());
    }
    add_history(state, concat(is_entrypoint ? "ENTRYPOINT " : "CMD ", json_text(args)));
    if (is_entrypoint) {
        config.entrypoint = std::move(args);
        // A CMD of the base image was meant for the base image's entry point.
        if (!state.cmd_is_set) config.cmd.reset();
    } else {
        config.cmd = std::move(args);
        config.args_escaped = true;
        state.cmd_is_set = true;
    }
}

void Compiler::apply_healthcheck(const Healthcheck& check, StageState& state) {
    oci::HealthcheckConfig out{.test = {},
                               .interval = check.interval,
                               .timeout = check.timeout,
                               .start_period = check.start_period,
                               .start_interval = check.start_interval,
                               .retries = check.retries};
    if (check.none) {
        out.test = {"NONE"};
    } else if (check.command.is_exec_form) {
        out.test = check.command.words;
        out.test.insert(out.test.begin(), "CMD");
    } else {
        out.test = {"CMD-SHELL", check.command.words.front()};
    }
    state.image.config.healthcheck = std::move(out);
}

}  // namespace berth::build::dockerfile
