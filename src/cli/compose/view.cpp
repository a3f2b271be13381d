#include <set>

#include "cli/commands.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "codec/json.h"
#include "compose/container_request.h"
#include "compose/logs.h"

namespace berth::cli {

namespace {

using codec::Json;

// `berth ps` over the project's containers, so that both show the same columns and take the same --format.
Result<int> run_ps(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(load_project(context, *options, flags.arguments()));
    auto containers = TRY(containers_of(context, project, flags.arguments()));
    if (!flags.is_set("all")) std::erase_if(containers, [](const auto& container) { return !container.is_running(); });
    if (flags.is_set("services")) {
        std::set<std::string> names;
        for (const auto& container : containers) names.insert(container.service);
        for (const auto& name : names) TRY(context.print_line(name));
        return 0;
    }
    if (flags.is_set("quiet")) {
        for (const auto& container : containers) TRY(context.print_line(container.id));
        return 0;
    }
    std::vector<std::string> words{"-a"};
    const std::string format = flags.text("format");
    words.insert(words.end(), {"--format", format.empty() || format == "table"
                                               ? "table {{.Names}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}"
                                               : format});
    for (const auto& container : containers) words.insert(words.end(), {"--filter", concat("id=", container.id)});
    if (containers.empty()) words.insert(words.end(), {"--filter", "id=none"});
    return run_other(context, ps_command(), words);
}

Result<int> run_logs(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(load_project(context, *options, flags.arguments()));
    const auto containers = TRY(containers_of(context, project, flags.arguments()));
    Interrupt interrupt;
    client::LogOptions log_options;
    log_options.follow = flags.is_set("follow");
    log_options.timestamps = flags.is_set("timestamps");
    log_options.since = flags.text("since");
    log_options.until = flags.text("until");
    log_options.tail = flags.text("tail");
    std::size_t width = 0;
    for (const auto& container : containers) width = std::max(width, container.name.size());
    std::stop_source ended;
    const std::stop_callback chain(interrupt.token(), [&] { ended.request_stop(); });
    const client::Client* engine = TRY(context.engine());
    const auto show = [&](const compose::LogLine& line) {
        const std::string padding(width - line.container.size(), ' ');
        const std::string prefix = flags.is_set("no-log-prefix") ? "" : concat(line.container, padding, "  | ");
        if (context.print_line(concat(prefix, line.text)).is_error()) ended.request_stop();
    };
    TRY(compose::read_logs(*engine, containers, log_options, show, {}, ended.get_token()));
    return interrupt.is_requested() ? 130 : 0;
}

Result<int> run_config(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project whole = TRY(load_project(context, *options, flags.arguments(), !flags.is_set("no-interpolate")));
    const compose::Project project = TRY(compose::select_services(whole, flags.arguments(), true));
    if (flags.is_set("quiet")) return 0;
    const auto print_keys = [&](const codec::YamlNode& section) -> Result<int> {
        for (const auto& member : section.members) TRY(context.print_line(member.key));
        return 0;
    };
    if (flags.is_set("services")) {
        for (const auto& service : project.services) TRY(context.print_line(service.name));
        return 0;
    }
    if (flags.is_set("volumes")) return print_keys(project.volumes);
    if (flags.is_set("networks")) return print_keys(project.networks);
    if (flags.is_set("images")) {
        for (const auto& service : project.services) TRY(context.print_line(service.image(project.name)));
        return 0;
    }
    if (flags.is_set("profiles")) {
        std::set<std::string> names;
        for (const auto* list : {&project.services, &project.disabled})
            for (const auto& service : *list) names.insert(service.profiles.begin(), service.profiles.end());
        for (const auto& name : names) TRY(context.print_line(name));
        return 0;
    }
    if (const std::string wanted = flags.text("hash"); !wanted.empty()) {
        for (const auto& service : project.services)
            if (wanted == "*" || wanted == service.name) TRY(context.print_line(concat(service.name, " ", compose::config_hash(service))));
        return 0;
    }
    const bool is_json = flags.text("format") == "json";
    TRY(context.print(is_json ? codec::dump_json_pretty(compose::to_json(project), 2) + "\n" : compose::to_yaml(project)));
    return 0;
}

Result<int> run_images(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(load_project(context, *options, flags.arguments()));
    for (const auto& container : TRY(containers_of(context, project, flags.arguments()))) {
        const compose::Service* service = project.find_service(container.service);
        const std::string image = service ? service->image(project.name) : "";
        TRY(context.print_line(flags.is_set("quiet") ? container.image_id : concat(container.name, "\t", image, "\t", container.image_id)));
    }
    return 0;
}

Result<int> run_port(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(load_project(context, *options, {flags.argument(0)}));
    const auto container = TRY(running_container(context, project, flags.argument(0), static_cast<int>(flags.number("index").value_or(0))));
    return run_other(context, port_command(), {container.id, concat(flags.argument(1), "/", flags.text("protocol"))});
}

Result<int> run_wait(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(load_project(context, *options, flags.arguments()));
    std::vector<std::string> ids;
    for (const auto& container : TRY(containers_of(context, project, flags.arguments()))) ids.push_back(container.id);
    if (ids.empty()) return fail(ErrorCode::NotFound, "no container of these services exists");
    return run_other(context, wait_command(), ids);
}

Result<int> run_ls(Context& context, const Flags& flags, const SharedComposeOptions&) {
    const client::Client* engine = TRY(context.engine());
    client::ListContainersOptions list;
    list.all = flags.is_set("all");
    list.filters.add("label", "com.docker.compose.project");
    struct Row {
        std::map<std::string, int> states;
        std::string files;
    };
    std::map<std::string, Row> rows;
    for (const Json listed = TRY(engine->list_containers(list)); const auto& container : listed) {
        const Json* labels = codec::find_member(container, "Labels");
        if (!labels) continue;
        Row& row = rows[codec::get_string(*labels, "com.docker.compose.project")];
        ++row.states[codec::get_string(container, "State")];
        row.files = codec::get_string(*labels, "com.docker.compose.project.config_files");
    }
    if (!flags.is_set("quiet")) TRY(context.print_line("NAME\tSTATUS\tCONFIG FILES"));
    for (const auto& [name, row] : rows) {
        std::string states;
        for (const auto& [state, count] : row.states) states += concat(states.empty() ? "" : ", ", state, "(", count, ")");
        TRY(context.print_line(flags.is_set("quiet") ? name : concat(name, "\t", states, "\t", row.files)));
    }
    return 0;
}

}  // namespace

std::vector<Command> compose_view_commands(const SharedComposeOptions& options) {
    const auto with = [options](auto run) {
        return [options, run](Context& context, const Flags& flags) { return run(context, flags, options); };
    };
    const Flag quiet{"quiet", 'q', FlagKind::Bool, "IDs only"};
    return {
        Command{.name = "ps", .arguments = "[SERVICE...]", .summary = "List the project's containers", .example = "berth compose ps -a",
                .flags = {{"all", 'a', FlagKind::Bool, "Stopped ones, too"}, quiet, {"services", 0, FlagKind::Bool, "Names of services only"},
                          {"format", 0, FlagKind::Text, "table, json or a Go template"}},
                .most = any_number, .run = with(run_ps)},
        Command{.name = "logs", .arguments = "[SERVICE...]", .summary = "Show the services' output", .example = "berth compose logs -f --tail 20 api",
                .flags = {{"follow", 'f', FlagKind::Bool, "Go on showing"}, {"timestamps", 't', FlagKind::Bool, "With times"},
                          {"tail", 'n', FlagKind::Text, "Lines from the end, per container", "all"}, {"since", 0, FlagKind::Text, "From this time on"},
                          {"until", 0, FlagKind::Text, "Up to this time"}, {"no-log-prefix", 0, FlagKind::Bool, "Without the container's name"},
                          {"no-color", 0, FlagKind::Bool, "Without colours", {}, true}},
                .most = any_number, .run = with(run_logs)},
        Command{.name = "config", .arguments = "[SERVICE...]", .summary = "Check the project and print it in canonical form",
                .example = "berth compose config --services",
                .flags = {{"quiet", 'q', FlagKind::Bool, "Check only"}, {"services", 0, FlagKind::Bool, "Names of services"},
                          {"volumes", 0, FlagKind::Bool, "Names of volumes"}, {"networks", 0, FlagKind::Bool, "Names of networks"},
                          {"images", 0, FlagKind::Bool, "Names of images"}, {"profiles", 0, FlagKind::Bool, "Names of profiles"},
                          {"hash", 0, FlagKind::Text, "Hash of a service (* for all)"}, {"format", 0, FlagKind::Text, "yaml or json", "yaml"},
                          {"no-interpolate", 0, FlagKind::Bool, "Leave variables as they are"}},
                .most = any_number, .run = with(run_config), .aliases = {"convert"}},
        Command{.name = "images", .arguments = "[SERVICE...]", .summary = "List the images in use", .example = "berth compose images", .flags = {quiet},
                .most = any_number, .run = with(run_images)},
        Command{.name = "port", .arguments = "SERVICE PORT", .summary = "Show where a port is published", .example = "berth compose port api 3000",
                .flags = {{"protocol", 0, FlagKind::Text, "tcp or udp", "tcp"}, {"index", 0, FlagKind::Number, "Which container of the service"}},
                .least = 2, .most = 2, .run = with(run_port)},
        Command{.name = "wait", .arguments = "SERVICE...", .summary = "Wait until services end", .example = "berth compose wait migrate",
                .least = 1, .most = any_number, .run = with(run_wait)},
        Command{.name = "ls", .summary = "List running projects", .example = "berth compose ls -a",
                .flags = {{"all", 'a', FlagKind::Bool, "Stopped ones, too"}, quiet}, .run = with(run_ls)},
        Command{.name = "version", .summary = "Show the version", .example = "berth compose version",
                .flags = {{"short", 0, FlagKind::Bool, "The number only"}},
                .run = [](Context& context, const Flags& flags) -> Result<int> {
                    TRY(context.print_line(flags.is_set("short") ? BERTH_VERSION : "Berth Compose version " BERTH_VERSION));
                    return 0;
                }}};
}

}  // namespace berth::cli
