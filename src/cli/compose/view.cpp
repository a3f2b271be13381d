#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/compose/session.h"
#include "cli/output/format.h"
#include "cli/output/rows.h"
#include "cli/units.h"
#include "codec/json.h"
#include "compose/labels.h"

namespace berth::cli {

namespace {

using codec::Json;

/// "Exited (3) 2 minutes ago" -> 3; 0 for what runs.
int exit_code_in(std::string_view status) {
    const auto open = status.find('(');
    if (!status.starts_with("Exited") || open == std::string_view::npos) return 0;
    return static_cast<int>(
        parse_int(status.substr(open + 1, status.find(')') - open - 1)).value_or(0));
}

/// "Up 5 seconds (healthy)" -> "healthy"; empty without a health check.
std::string health_in(std::string_view status) {
    if (status.ends_with("(healthy)")) return "healthy";
    if (status.ends_with("(unhealthy)")) return "unhealthy";
    return status.ends_with("(health: starting)") ? "starting" : "";
}

Json publishers_of(const Json& container) {
    Json out = Json::array();
    const Json* ports = codec::find_member(container, "Ports");
    for (const auto& port : ports ? *ports : Json::array()) {
        out.push_back({{"URL", codec::get_string(port, "IP")},
                       {"TargetPort", codec::get_int(port, "PrivatePort")},
                       {"PublishedPort", codec::get_int(port, "PublicPort")},
                       {"Protocol", codec::get_string(port, "Type")}});
    }
    return out;
}

/// A container's row of `berth ps` and what compose adds, as docker compose names it.
Row compose_row(const Json& container, bool full) {
    Row row = container_row(container, full);
    const std::string status = codec::get_string(container, "Status");
    row.fields["ExitCode"] = exit_code_in(status);
    row.fields["Health"] = health_in(status);
    row.fields["Name"] = row.fields["Names"];
    row.fields["Project"] = codec::get_string(row.labels, compose::label::project);
    row.fields["Publishers"] = publishers_of(container);
    row.fields["Service"] = codec::get_string(row.labels, compose::label::service);
    Json sorted = Json::object();
    std::set<std::string> keys;
    for (const auto& [key, value] : row.fields.items()) keys.insert(key);
    for (const auto& key : keys) sorted[key] = row.fields[key];
    row.fields = std::move(sorted);
    return row;
}

const ListView ps_view{
    "table "
    "{{.Name}}\t{{.Image}}\t{{.Command}}\t{{.Service}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}",
    {{"Name", "NAME"},
     {"Image", "IMAGE"},
     {"Command", "COMMAND"},
     {"Service", "SERVICE"},
     {"RunningFor", "CREATED"},
     {"CreatedAt", "CREATED AT"},
     {"Status", "STATUS"},
     {"State", "STATE"},
     {"Ports", "PORTS"},
     {"ID", "CONTAINER ID"},
     {"Names", "NAMES"},
     {"Project", "PROJECT"},
     {"Health", "HEALTH"},
     {"ExitCode", "EXIT CODE"},
     {"Labels", "LABELS"},
     {"Mounts", "MOUNTS"},
     {"Networks", "NETWORKS"},
     {"Size", "SIZE"}}};

/// The states that --status and --filter status= ask for; empty for all that are not over.
Result<std::vector<std::string>> wanted_states(const Flags& flags) {
    std::vector<std::string> out = flags.list("status");
    for (const auto& filter : flags.list("filter")) {
        const auto parts = split_once(filter, '=');
        if (!parts || parts->first != "status")
            return fail(ErrorCode::InvalidArgument, "--filter ", filter, ": want status=STATE");
        out.emplace_back(parts->second);
    }
    constexpr std::string_view known[] = {"created",  "running", "paused", "restarting",
                                          "removing", "exited",  "dead"};
    for (const auto& state : out) {
        if (std::find(std::begin(known), std::end(known), state) == std::end(known)) {
            return fail(ErrorCode::InvalidArgument, "unknown status \"", state, "\"")
                .with_hint(
                    "states are created, running, paused, restarting, removing, exited and dead");
        }
    }
    return out;
}

Result<std::vector<Json>> listed_containers(Context& context, const compose::Project& project,
                                            const Flags& flags) {
    const auto states = TRY(wanted_states(flags));
    const auto& services = flags.arguments();
    client::ListContainersOptions list;
    list.all = true;
    list.filters.add("label", concat(compose::label::project, "=", project.name));
    list.filters.add("label", concat(compose::label::oneoff, "=False"));
    const client::Client* engine = TRY(context.engine());
    std::vector<Json> out;
    for (const Json answer = TRY(engine->list_containers(list)); const auto& container : answer) {
        const auto observed = compose::to_observed(container);
        const bool is_service_wanted =
            services.empty() ||
            std::find(services.begin(), services.end(), observed.service) != services.end();
        const bool is_state_wanted = states.empty() ? flags.is_set("all") || observed.is_running()
                                                    : std::find(states.begin(), states.end(),
                                                                observed.state) != states.end();
        if (is_service_wanted && is_state_wanted) out.push_back(container);
    }
    std::sort(out.begin(), out.end(), [](const Json& left, const Json& right) {
        return compose::to_observed(left).name < compose::to_observed(right).name;
    });
    return out;
}

Result<int> run_compose_ps(Context& context, const Flags& flags,
                           const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, flags.arguments()));
    const auto containers = TRY(listed_containers(context, project, flags));
    if (flags.is_set("services")) {
        std::set<std::string> names;
        for (const auto& container : containers)
            names.insert(compose::to_observed(container).service);
        for (const auto& name : names) TRY(context.print_line(name));
        return 0;
    }
    std::vector<Row> rows;
    for (const auto& container : containers)
        rows.push_back(compose_row(container, flags.is_set("no-trunc")));
    if (flags.is_set("quiet")) {
        for (const auto& container : containers)
            TRY(context.print_line(compose::to_observed(container).id));
        return 0;
    }
    TRY(context.print(TRY(render_list(ps_view, flags.text("format"), rows))));
    return 0;
}

const ListView images_view{
    "table {{.ContainerName}}\t{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Size}}",
    {{"ContainerName", "CONTAINER"},
     {"Repository", "REPOSITORY"},
     {"Tag", "TAG"},
     {"ID", "IMAGE ID"},
     {"Size", "SIZE"}}};

Row image_row(const std::string& container, const std::string& reference, const Json& image) {
    const auto slash = reference.rfind('/');
    const auto colon = reference.find(':', slash == std::string::npos ? 0 : slash);
    Row row;
    row.fields["ID"] = short_id(codec::get_string(image, "Id"));
    row.fields["ContainerName"] = container;
    row.fields["Repository"] = reference.substr(0, colon);
    row.fields["Tag"] = colon == std::string::npos ? "latest" : reference.substr(colon + 1);
    row.fields["Size"] = human_size(static_cast<double>(codec::get_int(image, "Size")));
    return row;
}

Result<int> run_compose_images(Context& context, const Flags& flags,
                               const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, flags.arguments()));
    const client::Client* engine = TRY(context.engine());
    std::vector<Row> rows;
    std::set<std::string> ids;
    for (const auto& container : TRY(containers_of(context, project, flags.arguments()))) {
        ids.insert(container.image_id);
        const compose::Service* service = project.find_service(container.service);
        auto image = engine->inspect_image(container.image_id);
        // An image that was removed from under its container has nothing but its ID to show.
        rows.push_back(image_row(container.name, service ? service->image(project.name) : "<none>",
                                 image ? *image : Json{{"Id", container.image_id}}));
    }
    if (flags.is_set("quiet")) {
        for (const auto& id : ids) TRY(context.print_line(id));
        return 0;
    }
    TRY(context.print(TRY(render_list(images_view, flags.text("format"), rows))));
    return 0;
}

Result<int> run_compose_port(Context& context, const Flags& flags,
                             const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, {flags.argument(0)}));
    const auto container = TRY(running_container(
        context, project, flags.argument(0), static_cast<int>(flags.number("index").value_or(0))));
    return run_other(context, port_command(),
                     {container.id, concat(flags.argument(1), "/", flags.text("protocol"))});
}

Result<int> run_compose_wait(Context& context, const Flags& flags,
                             const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, flags.arguments()));
    const client::Client* engine = TRY(context.engine());
    const auto containers = TRY(containers_of(context, project, flags.arguments()));
    if (containers.empty())
        return fail(ErrorCode::NotFound, "no container of these services exists");
    int last = 0;
    for (const auto& container : containers) {
        last = TRY(engine->wait_container(container.id)).status;
        TRY(context.print_line(concat(container.service, "\t", last)));
    }
    return last;
}

const ListView ls_view{"table {{.Name}}\t{{.Status}}\t{{.ConfigFiles}}",
                       {{"Name", "NAME"}, {"Status", "STATUS"}, {"ConfigFiles", "CONFIG FILES"}}};

Result<int> run_compose_ls(Context& context, const Flags& flags, const SharedComposeOptions&) {
    const client::Client* engine = TRY(context.engine());
    client::ListContainersOptions list;
    list.all = flags.is_set("all");
    list.filters.add("label", std::string(compose::label::project));
    struct Found {
        std::map<std::string, int> states;
        std::string files;
    };
    std::map<std::string, Found> projects;
    for (const Json listed = TRY(engine->list_containers(list)); const auto& container : listed) {
        const Json* labels = codec::find_member(container, "Labels");
        if (!labels) continue;
        Found& found = projects[codec::get_string(*labels, compose::label::project)];
        ++found.states[codec::get_string(container, "State")];
        found.files = codec::get_string(*labels, compose::label::config_files);
    }
    std::vector<Row> rows;
    for (const auto& [name, found] : projects) {
        std::vector<std::string> states;
        for (const auto& [state, count] : found.states)
            states.push_back(concat(state, "(", count, ")"));
        Row row;
        row.fields["Name"] = name;
        row.fields["Status"] = join(states, ", ");
        row.fields["ConfigFiles"] = found.files;
        rows.push_back(std::move(row));
    }
    if (flags.is_set("quiet")) {
        for (const auto& [name, found] : projects) TRY(context.print_line(name));
        return 0;
    }
    // One array, as docker compose prints it.
    if (flags.text("format") == "json") {
        Json all = Json::array();
        for (const auto& row : rows) all.push_back(row.fields);
        TRY(context.print_line(codec::dump_json(all)));
        return 0;
    }
    TRY(context.print(TRY(render_list(ls_view, flags.text("format"), rows))));
    return 0;
}

}  // namespace

std::vector<Command> compose_view_commands(const SharedComposeOptions& options) {
    const auto with = [options](auto run) {
        return [options, run](Context& context, const Flags& flags) {
            return run(context, flags, options);
        };
    };
    const Flag quiet{"quiet", 'q', FlagKind::Bool, "IDs only"};
    const Flag format{"format", 0, FlagKind::Text, "table, json or a Go template"};
    return {Command{.name = "ps",
                    .arguments = "[SERVICE...]",
                    .summary = "List the project's containers",
                    .example = "berth compose ps -a",
                    .flags = {{"all", 'a', FlagKind::Bool, "Stopped ones, too"},
                              quiet,
                              {"services", 0, FlagKind::Bool, "Names of services only"},
                              {"status", 0, FlagKind::List, "Only those in this state"},
                              {"filter", 0, FlagKind::List, "status=STATE"},
                              {"no-trunc", 0, FlagKind::Bool, "Shorten nothing"},
                              format},
                    .most = any_number,
                    .run = with(run_compose_ps)},
            Command{.name = "images",
                    .arguments = "[SERVICE...]",
                    .summary = "List the images in use",
                    .example = "berth compose images",
                    .flags = {quiet, format},
                    .most = any_number,
                    .run = with(run_compose_images)},
            Command{.name = "port",
                    .arguments = "SERVICE PORT",
                    .summary = "Show where a port is published",
                    .example = "berth compose port api 3000",
                    .flags = {{"protocol", 0, FlagKind::Text, "tcp or udp", "tcp"},
                              {"index", 0, FlagKind::Number, "Which container of the service"}},
                    .least = 2,
                    .most = 2,
                    .run = with(run_compose_port)},
            Command{.name = "wait",
                    .arguments = "SERVICE...",
                    .summary = "Wait until services end, and exit as the last one did",
                    .example = "berth compose wait migrate",
                    .least = 1,
                    .most = any_number,
                    .run = with(run_compose_wait)},
            Command{.name = "ls",
                    .summary = "List running projects",
                    .example = "berth compose ls -a",
                    .flags = {{"all", 'a', FlagKind::Bool, "Stopped ones, too"}, quiet, format},
                    .run = with(run_compose_ls)},
            Command{.name = "version",
                    .summary = "Show the version",
                    .example = "berth compose version",
                    .flags = {{"short", 0, FlagKind::Bool, "The number only"},
                              {"format", 'f', FlagKind::Text, "pretty or json", "pretty"}},
                    .run = [](Context& context, const Flags& flags) -> Result<int> {
                        const bool is_json = flags.text("format") == "json";
                        TRY(context.print_line(flags.is_set("short") ? BERTH_VERSION
                                               : is_json ? "{\"version\":\"" BERTH_VERSION "\"}"
                                                         : "Berth Compose version " BERTH_VERSION));
                        return 0;
                    }}};
}

}  // namespace berth::cli
