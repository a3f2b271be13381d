#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/compose/progress_view.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "compose/build_request.h"
#include "compose/down.h"
#include "compose/logs.h"
#include "compose/up.h"

namespace berth::cli {

namespace {

Result<std::map<std::string, int>> parse_scale(const std::vector<std::string>& wishes,
                                               const compose::Project& project) {
    std::map<std::string, int> out;
    for (const auto& wish : wishes) {
        const auto parts = split_once(wish, '=');
        const auto count = parts ? parse_int(parts->second) : std::nullopt;
        if (!count || *count < 0 || *count > 1000)
            return fail(ErrorCode::InvalidArgument, "--scale ", wish, ": want SERVICE=NUMBER");
        TRY(compose::select_services(project, {std::string(parts->first)}, false));
        out[std::string(parts->first)] = static_cast<int>(*count);
    }
    return out;
}

Result<std::optional<compose::PullPolicy>> parse_pull(const std::string& word) {
    if (word.empty() || word == "policy") return std::optional<compose::PullPolicy>();
    if (word == "always") return std::optional(compose::PullPolicy::Always);
    if (word == "missing") return std::optional(compose::PullPolicy::Missing);
    if (word == "never") return std::optional(compose::PullPolicy::Never);
    return fail(ErrorCode::InvalidArgument, "--pull ", word, ": want always, missing or never");
}

Result<compose::UpOptions> up_options(Context& context, const compose::Project& project,
                                      const SharedComposeOptions& options, const Flags& flags) {
    compose::UpOptions out;
    out.force_recreate = flags.is_set("force-recreate");
    out.no_recreate = flags.is_set("no-recreate");
    if (out.force_recreate && out.no_recreate)
        return fail(ErrorCode::InvalidArgument,
                    "--force-recreate and --no-recreate exclude each other");
    out.renew_anonymous_volumes = flags.is_set("renew-anon-volumes");
    out.remove_orphans = flags.is_set("remove-orphans");
    out.build = flags.is_set("build");
    out.no_build = flags.is_set("no-build");
    out.no_start = flags.is_set("no-start");
    out.wait = flags.is_set("wait");
    if (const auto seconds = flags.number("wait-timeout")) {
        if (*seconds < 0 || *seconds > 1'000'000)
            return fail(ErrorCode::InvalidArgument, "--wait-timeout ", *seconds, ": want seconds");
        if (*seconds > 0) out.wait_timeout = std::chrono::seconds(*seconds);
    }
    if (const auto seconds = flags.number("timeout")) out.stop_timeout = static_cast<int>(*seconds);
    out.pull = TRY(parse_pull(flags.text("pull")));
    out.scale = TRY(parse_scale(flags.list("scale"), project));
    out.build_image = [&context, &project, options](const compose::Service& service) {
        return build_service(context, project, service, *options, {});
    };
    out.pull_image = [&context](const compose::Service&, const std::string& image) -> Result<> {
        const int code = TRY(run_other(context, pull_command(), {image}));
        if (code != 0) return fail(ErrorCode::NotFound, "the image ", image, " cannot be had");
        return {};
    };
    return out;
}

// Follows the output of everything until all containers have ended or the user stops it.
Result<int> follow(Context& context, const compose::Project& project, const Flags& flags,
                   Interrupt& interrupt) {
    const client::Client* engine = TRY(context.engine());
    auto containers = TRY(containers_of(context, project, flags.arguments()));
    const auto unwanted = flags.list("no-attach");
    const auto wanted = flags.list("attach");
    const auto has = [](const std::vector<std::string>& list, const std::string& name) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    std::set<std::string> silent;
    for (const auto& container : containers)
        if (has(unwanted, container.service) ||
            (!wanted.empty() && !has(wanted, container.service)))
            silent.insert(container.name);
    const LogPrefix prefix(
        project.name, containers,
        {.is_shown = !flags.is_set("no-log-prefix"),
         .has_colour = !flags.is_set("no-color") && context.is_output_terminal()});
    const std::string from = flags.text("exit-code-from");
    const bool ends_with_any = flags.is_set("abort-on-container-exit") || !from.empty();
    const bool ends_with_failure = flags.is_set("abort-on-container-failure");
    std::stop_source ended;
    const std::stop_callback chain(interrupt.token(), [&] { ended.request_stop(); });
    client::LogOptions log_options;
    log_options.follow = true;
    log_options.timestamps = flags.is_set("timestamps");
    const auto show = [&](const compose::LogLine& line) {
        if (silent.contains(line.container)) return;
        if (context.print_line(prefix.of(line.container) + line.text).is_error())
            ended.request_stop();
    };
    // Never called by two at once. The first one to end decides what the whole exits with.
    std::optional<int> first_code;
    const auto on_end = [&](const compose::ObservedContainer& container) {
        const auto exit = engine->wait_container(container.id, {}, ended.get_token());
        if (exit.is_error()) return;
        context.note(concat(container.name, " exited with code ", exit->status, "\n"));
        if (!ends_with_any && !(ends_with_failure && exit->status != 0)) return;
        if (!first_code && (from.empty() || from == container.service)) first_code = exit->status;
        ended.request_stop();
    };
    TRY(compose::read_logs(*engine, containers, log_options, show, on_end, ended.get_token()));
    const bool was_aborted = ends_with_any || first_code;
    if (interrupt.is_requested() || was_aborted) {
        context.note("stopping... (press Ctrl-C again to leave at once)\n");
        ProgressView view(context, "auto");
        compose::VerbOptions stop_options;
        if (const auto seconds = flags.number("timeout"))
            stop_options.timeout = static_cast<int>(*seconds);
        TRY(compose::apply(*engine, project, compose::Verb::Stop, stop_options, view.sink(), {}));
    }
    if (!from.empty() && !first_code) {
        for (const auto& container : containers)
            if (container.service == from)
                first_code = TRY(engine->wait_container(container.id, {}, {})).status;
    }
    return interrupt.is_requested() ? Interrupt::exit_code() : first_code.value_or(0);
}

Result<int> run_up(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project whole = TRY(load_project(context, *options, flags.arguments()));
    const compose::Project project =
        TRY(compose::select_services(whole, flags.arguments(), !flags.is_set("no-deps")));
    const std::string from = flags.text("exit-code-from");
    if (!from.empty()) TRY(compose::select_services(project, {from}, false));
    const bool is_detached = flags.is_set("detach") || flags.is_set("wait");
    if (is_detached && (!from.empty() || flags.is_set("abort-on-container-exit") ||
                        flags.is_set("abort-on-container-failure"))) {
        return fail(ErrorCode::InvalidArgument,
                    "--detach and --wait cannot be combined with --abort-on-container-exit, "
                    "--abort-on-container-failure or --exit-code-from");
    }
    Interrupt interrupt;
    const client::Client* engine = TRY(context.engine());
    const auto up = TRY(up_options(context, project, options, flags));
    {
        ProgressView view(context, flags.is_set("quiet") ? "quiet" : options->progress);
        TRY(compose::up(*engine, project, up, view.sink(), interrupt.token()));
    }
    if (is_detached || flags.is_set("no-start")) return 0;
    return follow(context, project, flags, interrupt);
}

Result<int> run_create(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project whole = TRY(load_project(context, *options, flags.arguments()));
    const compose::Project project = TRY(compose::select_services(whole, flags.arguments(), true));
    Interrupt interrupt;
    const client::Client* engine = TRY(context.engine());
    auto up = TRY(up_options(context, project, options, flags));
    up.no_start = true;
    ProgressView view(context, options->progress);
    TRY(compose::up(*engine, project, up, view.sink(), interrupt.token()));
    return 0;
}

Result<int> run_down(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project whole = TRY(load_or_find_project(context, *options, flags.arguments()));
    const compose::Project project = TRY(compose::select_services(whole, flags.arguments(), false));
    Interrupt interrupt;
    compose::DownOptions down;
    down.services_only = flags.argument_count() > 0;
    down.remove_orphans = flags.is_set("remove-orphans");
    down.volumes = flags.is_set("volumes");
    const std::string images = flags.text("rmi");
    if (!images.empty() && images != "local" && images != "all")
        return fail(ErrorCode::InvalidArgument, "--rmi ", images, ": want local or all");
    down.images = images == "all"     ? compose::RemoveImages::All
                  : images == "local" ? compose::RemoveImages::Local
                                      : compose::RemoveImages::None;
    if (const auto seconds = flags.number("timeout")) down.timeout = static_cast<int>(*seconds);
    const client::Client* engine = TRY(context.engine());
    ProgressView view(context, options->progress);
    TRY(compose::down(*engine, project, down, view.sink(), interrupt.token()));
    return 0;
}

}  // namespace

std::vector<Command> compose_up_commands(const SharedComposeOptions& options) {
    const std::vector<Flag> create_flags{
        {"build", 0, FlagKind::Bool, "Build images before starting"},
        {"no-build", 0, FlagKind::Bool, "Never build, even when an image is missing"},
        {"force-recreate", 0, FlagKind::Bool, "Replace containers that have not changed, too"},
        {"no-recreate", 0, FlagKind::Bool, "Keep containers even when they have changed"},
        {"pull", 0, FlagKind::Text, "Pull before running (always, missing, never)"},
        {"remove-orphans", 0, FlagKind::Bool,
         "Remove containers of services the project no longer has"},
        {"scale", 0, FlagKind::List, "SERVICE=NUMBER of containers"},
        {"renew-anon-volumes", 'V', FlagKind::Bool,
         "New anonymous volumes for replaced containers"}};
    std::vector<Flag> up_flags = create_flags;
    for (const Flag& flag : std::vector<Flag>{
             {"detach", 'd', FlagKind::Bool, "Run in the background"},
             {"wait", 0, FlagKind::Bool, "Wait until services are running or healthy; implies -d"},
             {"no-deps", 0, FlagKind::Bool, "Do not start what the services depend on"},
             {"no-start", 0, FlagKind::Bool, "Create without starting"},
             {"abort-on-container-exit", 0, FlagKind::Bool,
              "Stop everything when one container ends"},
             {"exit-code-from", 0, FlagKind::Text,
              "Take this service's exit code; implies --abort-on-container-exit"},
             {"quiet", 'q', FlagKind::Bool, "Show errors only"},
             {"quiet-pull", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
             {"wait-timeout", 0, FlagKind::Number, "Seconds that --wait may take"},
             {"timeout", 't', FlagKind::Number, "Seconds to wait before killing what is replaced"},
             {"abort-on-container-failure", 0, FlagKind::Bool,
              "Stop everything when one container fails"},
             {"attach", 0, FlagKind::List, "Show the output of this service only"},
             {"no-attach", 0, FlagKind::List, "Do not show the output of this service"},
             {"no-log-prefix", 0, FlagKind::Bool, "Without the container's name"},
             {"no-color", 0, FlagKind::Bool, "Without colours"},
             {"timestamps", 0, FlagKind::Bool, "With times"},
             {"yes", 'y', FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
             {"menu", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true}}) {
        up_flags.push_back(flag);
    }
    return {
        Command{.name = "up",
                .arguments = "[SERVICE...]",
                .summary = "Create and start the project's containers",
                .example = "berth compose up -d --wait",
                .flags = up_flags,
                .most = any_number,
                .run = [options](Context& context,
                                 const Flags& flags) { return run_up(context, flags, options); }},
        Command{
            .name = "create",
            .arguments = "[SERVICE...]",
            .summary = "Create the project's containers without starting them",
            .example = "berth compose create",
            .flags = create_flags,
            .most = any_number,
            .run = [options](Context& context,
                             const Flags& flags) { return run_create(context, flags, options); }},
        Command{.name = "down",
                .arguments = "[SERVICE...]",
                .summary = "Stop and remove containers and networks",
                .example = "berth compose down -v",
                .flags = {{"volumes", 'v', FlagKind::Bool, "Remove the project's volumes, too"},
                          {"remove-orphans", 0, FlagKind::Bool,
                           "Remove containers of services the project no longer has"},
                          {"rmi", 0, FlagKind::Text,
                           "Remove images, too (local: those without a name of their own; all)"},
                          {"timeout", 't', FlagKind::Number, "Seconds to wait before killing"}},
                .most = any_number,
                .run = [options](Context& context, const Flags& flags) {
                    return run_down(context, flags, options);
                }}};
}

}  // namespace berth::cli
