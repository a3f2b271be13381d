// RUN: the command, what it sees of variables, and its mounts.
#include <algorithm>
#include <array>

#include "build/dockerfile/compile_internal.h"

namespace berth::build::dockerfile {
namespace {

// Given to every RUN when the build's caller sets them, without ARG, and neither in history nor in
// cache keys. Dockerfile reference, "Predefined ARGs".
constexpr std::array<std::string_view, 10> proxy_args{
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
    "ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy"};

bool is_proxy_arg(std::string_view name) {
    return std::ranges::find(proxy_args, name) != proxy_args.end();
}

// Whether the line is one heredoc mark and nothing else, so that its body is the whole script.
bool is_only_heredoc(const Run& run) {
    const std::string_view line = trim(run.command.words.front());
    return run.heredocs.size() == 1 &&
           line.find_first_of(" \t<>|&;", line.find("<<") + 2) == std::string_view::npos &&
           (line.starts_with("<<") || line.starts_with("0<<"));
}

ExecNetwork network_of(const Run& run, ExecNetwork by_default) {
    if (run.network == "none") return ExecNetwork::None;
    if (run.network == "host") return ExecNetwork::Host;
    return by_default;
}

}  // namespace

Result<> Compiler::apply_run(std::size_t stage_index, const Instruction& instruction,
                             const Run& run, StageState& state) {
    Vertex vertex{.op = {},
                  .inputs = {state.root},
                  .step = add_step(stage_index, instruction, false),
                  .ignore_cache = ignores_cache(stage_index)};
    ExecOp op;
    op.working_dir = state.image.config.working_dir.empty() ? "/" : state.image.config.working_dir;
    op.user = state.image.config.user;
    op.network = network_of(run, options_.network);
    op.insecure = run.security == "insecure";
    if (op.insecure && !options_.allow_insecure)
        return source_.error(instruction.place,
                             "RUN --security=insecure is not allowed: the build must be started "
                             "with --allow security.insecure");
    if (run.network == "host" && !options_.allow_host_network)
        return source_.error(instruction.place,
                             "RUN --network=host is not allowed: the build must be started with "
                             "--allow network.host");
    TRY(set_command(instruction, run, state, op));
    set_environment(state, op);
    int agents = 0;
    for (const auto& mount : run.mounts) {
        ExecMount compiled = TRY(compile_mount(stage_index, instruction, mount, state, vertex));
        const bool is_agent = compiled.kind == ExecMountKind::Ssh;
        if (is_agent && compiled.target.empty())
            compiled.target = concat("/run/buildkit/ssh_agent.", agents);
        agents += is_agent;
        op.mounts.push_back(std::move(compiled));
    }
    std::string shown = "RUN ";
    std::vector<std::string> args;
    for (const auto& [name, value] : state.args)
        if (value && !is_proxy_arg(name)) args.push_back(concat(name, "=", *value));
    if (!args.empty()) shown += concat("|", args.size(), " ", join(args, " "), " ");
    shown += join(op.script.empty() ? op.args : std::vector<std::string>{op.script}, " ") +
             " # buildkit";
    vertex.op = std::move(op);
    state.root = add_vertex(std::move(vertex));
    add_history(state, std::move(shown), state.root);
    return {};
}

Result<> Compiler::set_command(const Instruction& instruction, const Run& run,
                               const StageState& state, ExecOp& op) {
    if (run.command.is_exec_form) {
        if (!run.heredocs.empty())
            return source_.error(instruction.place, "a heredoc needs the shell form of RUN");
        op.args = run.command.words;
        return {};
    }
    std::string line = run.command.words.front();
    if (is_only_heredoc(run)) {
        const Heredoc& heredoc = run.heredocs.front();
        if (heredoc.content.starts_with("#!")) {
            op.script_path = "/run/berth/script/" + heredoc.name;
            op.script = heredoc.content;
            op.args = {op.script_path};
            return {};
        }
        line = heredoc.content;
    } else {
        for (const auto& heredoc : run.heredocs)
            line += concat("\n", heredoc.content, heredoc.name);
    }
    op.args = state.image.config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"}
                                               : state.image.config.shell;
    op.args.push_back(std::move(line));
    return {};
}

void Compiler::set_environment(const StageState& state, ExecOp& op) {
    op.env = state.image.config.env;
    for (const auto& [name, value] : state.args) {
        if (!value || state.image.config.find_env(name)) continue;
        (is_proxy_arg(name) ? op.ignored_env : op.env).push_back(concat(name, "=", *value));
    }
    for (const std::string_view name : proxy_args) {
        const auto value = build_arg(std::string(name));
        if (value && !state.image.config.find_env(name) && !state.find_arg(name))
            op.ignored_env.push_back(concat(name, "=", *value));
    }
}

Result<ExecMount> Compiler::compile_mount(std::size_t stage_index, const Instruction& instruction,
                                          const RunMount& mount, StageState& state,
                                          Vertex& vertex) {
    ExecMount out;
    out.target = TRY(expand(instruction, state, mount.target));
    out.source = TRY(expand(instruction, state, mount.source));
    out.id = TRY(expand(instruction, state, mount.id));
    const std::string from = TRY(expand(instruction, state, mount.from));
    out.read_only = mount.read_only;
    out.size_bytes = mount.size_bytes;
    out.env = mount.env;
    out.required = mount.required;
    out.uid = mount.uid.value_or(0);
    out.gid = mount.gid.value_or(0);
    out.sharing = static_cast<CacheSharing>(mount.sharing);
    const auto use_input = [&](VertexId input) {
        out.input = vertex.inputs.size();
        vertex.inputs.push_back(input);
    };
    switch (mount.kind) {
        case MountKind::Bind:
            out.kind = ExecMountKind::Bind;
            use_input(from.empty() ? context_vertex()
                                   : TRY(resolve_from(from, stage_index, instruction)));
            break;
        case MountKind::Cache:
            out.kind = ExecMountKind::Cache;
            out.mode = mount.mode.value_or(0755);
            if (!from.empty()) use_input(TRY(resolve_from(from, stage_index, instruction)));
            break;
        case MountKind::Tmpfs: out.kind = ExecMountKind::Tmpfs; break;
        case MountKind::Secret:
            out.kind = ExecMountKind::Secret;
            out.mode = mount.mode.value_or(0400);
            if (out.id.empty())
                out.id =
                    !out.source.empty() ? out.source : out.target.substr(out.target.rfind('/') + 1);
            if (out.target.empty() && out.env.empty()) out.target = "/run/secrets/" + out.id;
            break;
        case MountKind::Ssh:
            out.kind = ExecMountKind::Ssh;
            out.mode = mount.mode.value_or(0600);
            if (out.id.empty()) out.id = "default";
            break;
    }
    out.source = resolve_path("/", out.source);
    if (!out.target.empty()) out.target = resolve_path(state.image.config.working_dir, out.target);
    // Caches of the same path are one cache, as users of apt and npm expect.
    if (out.kind == ExecMountKind::Cache && out.id.empty()) out.id = out.target;
    if (out.target == "/") return source_.error(mount.place, "a mount can not take the place of /");
    return out;
}

}  // namespace berth::build::dockerfile
