#include <fcntl.h>

#include "cli/commands.h"
#include "cli/container/create_parts_internal.h"
#include "cli/image/build_context.h"
#include "cli/image/build_view.h"
#include "cli/interrupt.h"
#include "cli/parse/mount.h"
#include "cli/parse/resources.h"
#include "cli/registry/credentials.h"
#include "codec/json.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

constexpr std::size_t max_secret = 512 << 10;

// "id=npm,src=/path", "id=token,env=TOKEN" or "id=token", which looks for a variable and then for a
// file of that name.
Result<> add_secret(const Context& context, const std::string& text,
                    std::map<std::string, std::string>& secrets) {
    std::string id, source, variable;
    for (const auto& field : TRY(split_csv(text).context("--secret"))) {
        const auto parts = split_once(field, '=');
        if (!parts)
            return fail(ErrorCode::InvalidArgument, "--secret: \"", field, "\" must be key=value");
        const auto [key, value] = *parts;
        if (key == "id")
            id = value;
        else if (key == "src" || key == "source")
            source = value;
        else if (key == "env")
            variable = value;
        else if (key != "type")
            return fail(ErrorCode::InvalidArgument, "--secret: unknown key \"", key, "\"");
    }
    if (id.empty()) return fail(ErrorCode::InvalidArgument, "--secret: the id is missing");
    if (variable.empty() && source.empty() && context.environment().contains(id)) variable = id;
    if (!variable.empty()) {
        if (!context.environment().contains(variable))
            return fail(ErrorCode::NotFound, "secret ", id, ": variable ", variable, " is not set");
        secrets[id] = context.variable(variable);
        return {};
    }
    secrets[id] =
        TRY(sys::read_file(source.empty() ? id : source, max_secret).context("secret ", id));
    return {};
}

// "default", "default=/path/of/an/agent.sock" or "id=/path": agents that steps may ask to sign.
// Private keys stay out.
Result<std::string> read_agents(const Context& context, const std::vector<std::string>& texts) {
    codec::Json agents = codec::Json::object();
    for (const auto& text : texts) {
        const auto parts = split_once(text, '=');
        const std::string id(parts ? parts->first : text);
        const std::string socket =
            parts ? std::string(parts->second) : context.variable("SSH_AUTH_SOCK");
        if (socket.empty())
            return fail(ErrorCode::NotFound, "--ssh ", text,
                        ": no ssh agent runs (SSH_AUTH_SOCK is not set)")
                .with_hint("start one: eval $(ssh-agent) && ssh-add");
        const auto status = TRY(sys::stat(socket).context("--ssh ", text, ": ", socket));
        if (!S_ISSOCK(status.st_mode))
            return fail(ErrorCode::Unsupported, "--ssh ", text, ": ", socket,
                        " is not the socket of an agent")
                .with_hint("load the key into an agent with ssh-add and give --ssh " + id);
        agents[id] = absolute_path(socket, TRY(sys::readlink("/proc/self/cwd")));
    }
    return codec::dump_json(agents);
}

Result<client::BuildOptions> build_options(Context& context, const Flags& flags) {
    client::BuildOptions options;
    options.tags = flags.list("tag");
    options.target = flags.text("target");
    options.platform = flags.has("platform") ? flags.text("platform")
                                             : context.variable("DOCKER_DEFAULT_PLATFORM");
    options.network_mode = flags.text("network");
    options.extra_hosts = flags.list("add-host");
    options.cache_from = flags.list("cache-from");
    options.no_cache = flags.is_set("no-cache");
    options.pull = flags.is_set("pull");
    options.host_ca = flags.is_set("host-ca");
    options.memory = flags.bytes("memory").value_or(0);
    options.memory_swap = flags.bytes("memory-swap").value_or(0);
    options.shm_size = flags.bytes("shm-size").value_or(0);
    add_pairs(options.labels, flags.list("label"));
    for (const auto& text : flags.list("ulimit"))
        options.ulimits.push_back(TRY(parse_ulimit(text)));
    for (const auto& text : flags.list("build-arg")) {
        const auto parts = split_once(text, '=');
        const std::string name(parts ? parts->first : text);
        std::optional<std::string> value;
        if (parts)
            value = parts->second;
        else if (context.environment().contains(name))
            value = context.variable(name);
        options.build_args.emplace_back(name, value);
    }
    for (const auto& text : flags.list("secret")) TRY(add_secret(context, text, options.secrets));
    options.auths = TRY(all_logins(context));
    if (const auto& agents = flags.list("ssh"); !agents.empty())
        options.more.emplace_back("berth.ssh", TRY(read_agents(context, agents)));
    options.more.emplace_back("berth.progress", "1");
    if (flags.is_set("check")) options.more.emplace_back("berth.check", "1");
    if (flags.is_set("squash")) options.more.emplace_back("squash", "1");
    return options;
}

Result<BuildStyle> style_of(const Context& context, const Flags& flags) {
    const std::string progress = flags.text("progress");
    if (flags.is_set("quiet") || progress == "quiet") return BuildStyle::Quiet;
    if (progress == "plain") return BuildStyle::Plain;
    if (progress == "tty") return BuildStyle::Live;
    if (progress == "rawjson") return BuildStyle::RawJson;
    if (progress == "auto")
        return context.is_error_terminal() ? BuildStyle::Live : BuildStyle::Plain;
    return fail(ErrorCode::InvalidArgument,
                "--progress takes auto, plain, tty, quiet or rawjson, not \"", progress, "\"");
}

Result<int> run_build(Context& context, const Flags& flags) {
    if (flags.has("output")) {
        return fail(ErrorCode::Unsupported, "--output is not supported")
            .with_hint("build with -t, and use berth save or berth cp");
    }
    const auto style = TRY(style_of(context, flags));
    auto options = TRY(build_options(context, flags));
    const auto* engine = TRY(context.engine());
    auto opened = TRY(open_build_context(flags.argument(0), flags.text("file")));
    options.dockerfile = opened.dockerfile;
    options.remote = opened.remote;
    Interrupt interrupt;
    BuildView view(context, style);
    auto built = engine->build(
        options, opened.tar,
        [&](const api::ProgressMessage& message) { return view.show(message); }, interrupt.token());
    view.close();
    if (interrupt.is_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    TRY(std::move(built));
    if (const std::string path = flags.text("iidfile"); !path.empty())
        TRY(sys::write_file_atomic(path, view.image_id()));
    if (style == BuildStyle::Quiet) TRY(context.print_line(view.image_id()));
    return 0;
}

}  // namespace

Command build_command() {
    using enum FlagKind;
    return {
        .name = "build",
        .arguments = "PATH | URL | -",
        .summary = "Build an image from a Dockerfile",
        .example =
            "berth build -t app:dev .\nberth build --target test --secret id=npm,src=.npmrc .",
        .flags =
            {{.name = "add-host",
              .kind = List,
              .help = "Add a line to /etc/hosts of steps (name:address)"},
             {.name = "build-arg",
              .kind = List,
              .help = "Value of an ARG; a name alone takes ours"},
             {.name = "cache-from", .kind = List, .help = "Images to take cached steps from"},
             {.name = "check", .help = "Only check the Dockerfile"},
             {.name = "compress", .help = "", .hidden = true},
             {.name = "disable-content-trust", .help = "", .hidden = true},
             {.name = "file",
              .letter = 'f',
              .kind = Text,
              .help = "The Dockerfile (PATH/Dockerfile when not given)"},
             {.name = "force-rm", .help = "", .hidden = true},
             {.name = "host-ca", .help = "Let steps trust the host's certificate authorities"},
             {.name = "iidfile", .kind = Text, .help = "Write the image's id to this file"},
             {.name = "label", .kind = List, .help = "Set a label"},
             {.name = "load",
              .help = "Accepted for compatibility: images are always kept",
              .hidden = true},
             {.name = "memory", .letter = 'm', .kind = Bytes, .help = "Memory limit of a step"},
             {.name = "memory-swap", .kind = Bytes, .help = "Limit of memory and swap together"},
             {.name = "network", .kind = Text, .help = "Network of steps: default, host or none"},
             {.name = "no-cache", .help = "Run every step anew"},
             {.name = "output", .letter = 'o', .kind = Text, .help = "", .hidden = true},
             {.name = "platform", .kind = Text, .help = "Platform to build for"},
             {.name = "progress",
              .kind = Text,
              .help = "auto, plain, tty, quiet or rawjson",
              .fallback = "auto"},
             {.name = "pull", .help = "Look for newer base images"},
             {.name = "quiet", .letter = 'q', .help = "Print only the image's id"},
             {.name = "rm", .help = "", .hidden = true},
             {.name = "secret",
              .kind = List,
              .help = "Secret for RUN --mount=type=secret (id=NAME,src=FILE or env=NAME)"},
             {.name = "shm-size", .kind = Bytes, .help = "Size of /dev/shm of a step"},
             {.name = "squash", .help = "Make one layer of all new ones"},
             {.name = "ssh",
              .kind = List,
              .help = "Agent for RUN --mount=type=ssh (default, or ID=SOCKET); the engine must run "
                      "on this machine"},
             {.name = "tag", .letter = 't', .kind = List, .help = "Name the image (name:tag)"},
             {.name = "target", .kind = Text, .help = "Stage to build"},
             {.name = "ulimit", .kind = List, .help = "Limit of a step (name=soft[:hard])"}},
        .least = 1,
        .most = 1,
        .run = run_build};
}

}  // namespace berth::cli
