#include "base/random.h"
#include "cli/commands.h"
#include "cli/compose/progress_view.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "codec/json.h"
#include "compose/container_request.h"
#include "compose/inline_files.h"
#include "compose/short_forms.h"
#include "compose/up.h"

namespace berth::cli {

namespace {

Result<int> run_exec(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, {flags.argument(0)}));
    const auto container = TRY(running_container(
        context, project, flags.argument(0), static_cast<int>(flags.number("index").value_or(0))));
    std::vector<std::string> words;
    const bool has_terminal = context.is_input_terminal() && context.is_output_terminal();
    if (!flags.is_set("detach"))
        words.push_back(flags.is_set("no-tty") || !has_terminal ? "-i" : "-it");
    if (flags.is_set("detach")) words.push_back("-d");
    if (flags.is_set("privileged")) words.push_back("--privileged");
    for (const auto& variable : flags.list("env")) words.insert(words.end(), {"-e", variable});
    if (flags.has("user")) words.insert(words.end(), {"-u", flags.text("user")});
    if (flags.has("workdir")) words.insert(words.end(), {"-w", flags.text("workdir")});
    words.push_back(container.id);
    words.insert(words.end(), flags.arguments().begin() + 1, flags.arguments().end());
    return run_other(context, exec_command(), words);
}

// What `compose run` lays over the service: its own command, variables, name and, unless asked for,
// no ports.
Result<> adapt_oneoff(api::ContainerCreateRequest& request, const Flags& flags,
                      const Context& context, bool has_terminal) {
    auto& config = request.config;
    if (flags.argument_count() > 1) {
        config.cmd =
            std::vector<std::string>(flags.arguments().begin() + 1, flags.arguments().end());
    }
    if (flags.has("entrypoint")) {
        config.entrypoint =
            TRY(compose::split_command(flags.text("entrypoint")).context("--entrypoint"));
        if (flags.argument_count() == 1) config.cmd = std::vector<std::string>{};
    }
    for (const auto& variable : flags.list("env")) {
        const bool has_value = variable.find('=') != std::string::npos;
        config.env.push_back(has_value ? variable
                                       : concat(variable, "=", context.variable(variable)));
    }
    if (flags.has("user")) config.user = flags.text("user");
    if (flags.has("workdir")) config.working_dir = flags.text("workdir");
    config.tty = has_terminal;
    config.open_stdin = config.stdin_once = config.attach_stdin = !flags.is_set("detach");
    request.host_config.auto_remove = flags.is_set("rm") && flags.is_set("detach");
    for (const auto& label : flags.list("label")) {
        const auto parts = split_once(label, '=');
        config.labels[std::string(parts ? parts->first : std::string_view(label))] =
            parts ? std::string(parts->second) : "";
    }
    for (const auto& volume : flags.list("volume")) request.host_config.binds.push_back(volume);
    for (const auto& text : flags.list("publish")) {
        codec::YamlNode wish = codec::YamlNode::of_string(text);
        for (const auto& port : TRY(compose::expand_port(wish).context("--publish"))) {
            const auto member = [&](std::string_view key) {
                return port.find(key) ? port.find(key)->scalar : std::string();
            };
            const std::string name = concat(member("target"), "/", member("protocol"));
            config.exposed_ports.push_back(name);
            request.host_config.port_bindings[name].push_back(
                {member("host_ip"), member("published")});
        }
    }
    for (const auto& capability : flags.list("cap-add"))
        request.host_config.cap_add.push_back(capability);
    for (const auto& capability : flags.list("cap-drop"))
        request.host_config.cap_drop.push_back(capability);
    return {};
}

Result<> start_dependencies(Context& context, const compose::Project& project,
                            const compose::Service& service, const SharedComposeOptions& options,
                            const std::stop_token& stop) {
    std::vector<std::string> names;
    for (const auto& dependency : service.depends_on) names.push_back(dependency.service);
    const client::Client* engine = TRY(context.engine());
    compose::UpOptions up;
    up.build_image = [&](const compose::Service& other) {
        return build_service(context, project, other, *options, {});
    };
    up.pull_image = [&](const compose::Service&, const std::string& image) -> Result<> {
        const int code = TRY(run_other(context, pull_command(), {image}));
        return code == 0 ? Result<>()
                         : fail(ErrorCode::NotFound, "the image ", image, " cannot be had");
    };
    ProgressView view(context, options->progress);
    // The service itself is part of the plan with no replica, so that the conditions of its
    // dependencies are waited for.
    compose::Project part = TRY(compose::select_services(project, {service.name}, true));
    const auto running = TRY(containers_of(context, project, {service.name}));
    for (auto& other : part.services)
        if (other.name == service.name) other.replicas = static_cast<int>(running.size());
    up.no_recreate = true;
    return compose::up(*engine, part, up, view.sink(), stop);
}

Result<int> run_oneoff(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const std::string& name = flags.argument(0);
    const compose::Project project = TRY(load_project(context, *options, {name}));
    const compose::Service& service = *project.find_service(name);
    const client::Client* engine = TRY(context.engine());
    if (flags.is_set("build") && service.has_build())
        TRY(build_service(context, project, service, *options, {}));
    {
        Interrupt interrupt;
        if (!flags.is_set("no-deps"))
            TRY(start_dependencies(context, project, service, options, interrupt.token()));
    }
    compose::ContainerRequestOptions request_options;
    request_options.is_oneoff = !flags.is_set("service-ports");
    request_options.container_of = [&](const std::string& other) -> Result<std::string> {
        const auto found = TRY(running_container(context, project, other, 0));
        return found.id;
    };
    auto request = TRY(compose::container_request(project, service, request_options));
    request.config.labels["com.docker.compose.oneoff"] = "True";
    const bool has_terminal =
        !flags.is_set("no-tty") && context.is_input_terminal() && context.is_output_terminal();
    TRY(adapt_oneoff(request, flags, context, has_terminal));
    const std::string container_name =
        flags.has("name") ? flags.text("name")
                          : concat(project.name, "-", name, "-run-", random_hex(6));
    const auto created = TRY(engine->create_container(request, container_name));
    TRY(compose::copy_inline_files(*engine, project, service, created.id));
    if (flags.is_set("detach")) {
        TRY(engine->start_container(created.id));
        TRY(context.print_line(container_name));
        return 0;
    }
    auto code = run_other(context, start_command(), {"-a", "-i", created.id});
    if (flags.is_set("rm")) {
        engine->remove_container(created.id, {.force = true, .volumes = true})
            .ignore("the program's own result is the one to tell");
    }
    return code;
}

Result<int> run_top(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, flags.arguments()));
    int worst = 0;
    for (const auto& container : TRY(containers_of(context, project, flags.arguments()))) {
        if (!container.is_running()) continue;
        TRY(context.print_line(container.name));
        worst = std::max(worst, TRY(run_other(context, top_command(), {container.id})));
        TRY(context.print_line(""));
    }
    return worst;
}

Result<int> run_cp(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(load_or_find_project(context, *options));
    std::vector<std::string> words;
    if (flags.is_set("archive")) words.push_back("-a");
    if (flags.is_set("follow-link")) words.push_back("-L");
    for (const auto& argument : flags.arguments()) {
        const auto parts = split_once(argument, ':');
        if (!parts || !project.find_service(parts->first)) {
            words.push_back(argument);
            continue;
        }
        const auto container =
            TRY(running_container(context, project, std::string(parts->first), 0));
        words.push_back(concat(container.id, ":", parts->second));
    }
    return run_other(context, cp_command(), words);
}

}  // namespace

std::vector<Command> compose_process_commands(const SharedComposeOptions& options) {
    const Flag env{"env", 'e', FlagKind::List, "Set a variable"};
    const Flag user{"user", 'u', FlagKind::Text, "User to run as"};
    const Flag workdir{"workdir", 'w', FlagKind::Text, "Directory to run in"};
    const Flag detach{"detach", 'd', FlagKind::Bool, "Run in the background"};
    const Flag no_tty{"no-tty", 'T', FlagKind::Bool, "Without a terminal", {}, false, "no-TTY"};
    return {
        Command{
            .name = "exec",
            .arguments = "SERVICE COMMAND [ARG...]",
            .summary = "Run a command in a running container",
            .example = "berth compose exec db psql -U focus",
            .flags = {env,
                      user,
                      workdir,
                      detach,
                      no_tty,
                      {"privileged", 0, FlagKind::Bool, "With all capabilities"},
                      {"index", 0, FlagKind::Number, "Which container of the service"},
                      {"interactive",
                       'i',
                       FlagKind::Bool,
                       "Accepted for docker compose's sake",
                       {},
                       true},
                      {"tty", 't', FlagKind::Bool, "Accepted for docker compose's sake", {}, true}},
            .least = 2,
            .most = any_number,
            .stop_at_first = true,
            .run = [options](Context& context,
                             const Flags& flags) { return run_exec(context, flags, options); }},
        Command{
            .name = "run",
            .arguments = "SERVICE [COMMAND] [ARG...]",
            .summary = "Run a one-off command in a new container of a service",
            .example = "berth compose run --rm api node --version",
            .flags =
                {env,
                 user,
                 workdir,
                 detach,
                 no_tty,
                 {"rm", 0, FlagKind::Bool, "Remove the container afterwards"},
                 {"name", 0, FlagKind::Text, "Name of the container"},
                 {"entrypoint", 0, FlagKind::Text, "Replace the entrypoint"},
                 {"no-deps", 0, FlagKind::Bool, "Do not start what the service depends on"},
                 {"service-ports", 'P', FlagKind::Bool, "Publish the service's ports"},
                 {"build", 0, FlagKind::Bool, "Build the service's image first"},
                 {"label", 'l', FlagKind::List, "Set a label"},
                 {"volume", 'v', FlagKind::List, "Mount a folder or volume (SOURCE:TARGET)"},
                 {"publish", 'p', FlagKind::List, "Publish a port (HOST:CONTAINER)"},
                 {"cap-add", 0, FlagKind::List, "Add a capability"},
                 {"cap-drop", 0, FlagKind::List, "Drop a capability"},
                 {"quiet", 'q', FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
                 {"quiet-pull", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
                 {"use-aliases", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
                 {"interactive",
                  'i',
                  FlagKind::Bool,
                  "Accepted for docker compose's sake",
                  {},
                  true},
                 {"tty", 't', FlagKind::Bool, "Accepted for docker compose's sake", {}, true}},
            .least = 1,
            .most = any_number,
            .stop_at_first = true,
            .run = [options](Context& context,
                             const Flags& flags) { return run_oneoff(context, flags, options); }},
        Command{.name = "top",
                .arguments = "[SERVICE...]",
                .summary = "Show the processes of the services",
                .example = "berth compose top",
                .most = any_number,
                .run = [options](Context& context,
                                 const Flags& flags) { return run_top(context, flags, options); }},
        Command{.name = "cp",
                .arguments = "SERVICE:PATH PATH | PATH SERVICE:PATH",
                .summary = "Copy files from or to a service",
                .example = "berth compose cp api:/app/dist ./dist",
                .flags = {{"archive", 'a', FlagKind::Bool, "Keep owners"},
                          {"follow-link", 'L', FlagKind::Bool, "Follow links in the source"}},
                .least = 2,
                .most = 2,
                .run = [options](Context& context, const Flags& flags) {
                    return run_cp(context, flags, options);
                }}};
}

}  // namespace berth::cli
