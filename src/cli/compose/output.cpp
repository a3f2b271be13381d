#include <algorithm>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "codec/json.h"
#include "compose/labels.h"
#include "compose/logs.h"

namespace berth::cli {

namespace {

using codec::Json;

Result<int> run_compose_logs(Context& context, const Flags& flags,
                             const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, flags.arguments()));
    auto containers = TRY(containers_of(context, project, flags.arguments()));
    if (const auto index = flags.number("index")) {
        std::erase_if(containers,
                      [&](const auto& container) { return container.number != *index; });
    }
    Interrupt interrupt;
    client::LogOptions log_options;
    log_options.follow = flags.is_set("follow");
    log_options.timestamps = flags.is_set("timestamps");
    log_options.since = TRY(parse_time_flag(flags.text("since"), "--since"));
    log_options.until = TRY(parse_time_flag(flags.text("until"), "--until"));
    log_options.tail = flags.text("tail");
    const LogPrefix prefix(
        project.name, containers,
        {.is_shown = !flags.is_set("no-log-prefix"),
         .has_colour = !flags.is_set("no-color") && context.is_output_terminal()});
    std::stop_source ended;
    const std::stop_callback chain(interrupt.token(), [&] { ended.request_stop(); });
    const client::Client* engine = TRY(context.engine());
    const auto show = [&](const compose::LogLine& line) {
        if (context.print_line(prefix.of(line.container) + line.text).is_error())
            ended.request_stop();
    };
    TRY(compose::read_logs(*engine, containers, log_options, show, {}, ended.get_token()));
    return interrupt.is_requested() ? Interrupt::exit_code() : 0;
}

// docker compose's shape: the attributes without compose's own labels, the service beside them.
std::string event_text(const Json& event, bool is_json) {
    const Json* actor = codec::find_member(event, "Actor");
    const Timestamp time(std::chrono::nanoseconds(codec::get_int(event, "timeNano")));
    Json attributes = Json::object();
    std::string service;
    std::vector<std::string> shown;
    for (const auto& [key, value] : actor ? codec::get_string_map(*actor, "Attributes")
                                          : decltype(codec::get_string_map(event, "")){}) {
        if (key == compose::label::service) service = value;
        if (key.starts_with("com.docker.compose.")) continue;
        attributes[key] = value;
        shown.push_back(concat(key, "=", value));
    }
    const std::string id = actor ? codec::get_string(*actor, "ID") : "";
    const std::string action = codec::get_string(event, "Action");
    if (!is_json)
        return concat(to_rfc3339(time), " container ", action, " ", id, " (", join(shown, ", "),
                      ")");
    const Json line{{"time", to_rfc3339(time)}, {"type", "container"},
                    {"action", action},         {"id", id},
                    {"service", service},       {"attributes", attributes}};
    return codec::dump_json(line);
}

Result<int> run_compose_events(Context& context, const Flags& flags,
                               const SharedComposeOptions& options) {
    const compose::Project project =
        TRY(load_or_find_project(context, *options, flags.arguments()));
    const auto& services = flags.arguments();
    api::Filters filters;
    filters.add("type", "container");
    filters.add("label", concat(compose::label::project, "=", project.name));
    const std::string since = TRY(parse_time_flag(flags.text("since"), "--since"));
    const std::string until = TRY(parse_time_flag(flags.text("until"), "--until"));
    const client::Client* engine = TRY(context.engine());
    TRY(engine->events(since, until, filters, [&](const Json& event) -> Result<> {
        const Json* actor = codec::find_member(event, "Actor");
        const Json* attributes = actor ? codec::find_member(*actor, "Attributes") : nullptr;
        const std::string service =
            attributes ? codec::get_string(*attributes, compose::label::service) : "";
        if (!services.empty() &&
            std::find(services.begin(), services.end(), service) == services.end())
            return {};
        return context.print_line(event_text(event, flags.is_set("json")));
    }));
    return 0;
}

}  // namespace

LogPrefix::LogPrefix(const std::string& project,
                     const std::vector<compose::ObservedContainer>& containers, Options options) {
    constexpr int colours[] = {36, 33, 32, 35, 34, 96, 93, 92, 95, 94};
    const std::string head = project + "-";
    const auto short_name = [&](const std::string& name) {
        return name.starts_with(head) ? name.substr(head.size()) : name;
    };
    std::size_t width = 0;
    for (const auto& container : containers)
        width = std::max(width, short_name(container.name).size());
    std::size_t index = 0;
    for (const auto& container : containers) {
        if (!options.is_shown) break;
        const std::string name = short_name(container.name);
        const std::string text = concat(name, std::string(width - name.size(), ' '), "  | ");
        const int colour = colours[index++ % std::size(colours)];
        texts_[container.name] =
            options.has_colour ? concat("\x1b[", colour, "m", text, "\x1b[0m") : text;
    }
}

std::string LogPrefix::of(const std::string& container) const {
    const auto found = texts_.find(container);
    return found == texts_.end() ? std::string() : found->second;
}

std::vector<Command> compose_output_commands(const SharedComposeOptions& options) {
    return {
        Command{.name = "logs",
                .arguments = "[SERVICE...]",
                .summary = "Show the services' output",
                .example = "berth compose logs -f --tail 20 api",
                .flags = {{"follow", 'f', FlagKind::Bool, "Go on showing"},
                          {"timestamps", 't', FlagKind::Bool, "With times"},
                          {"tail", 'n', FlagKind::Text, "Lines from the end, per container", "all"},
                          {"since", 0, FlagKind::Text, "From this time on"},
                          {"until", 0, FlagKind::Text, "Up to this time"},
                          {"no-log-prefix", 0, FlagKind::Bool, "Without the container's name"},
                          {"no-color", 0, FlagKind::Bool, "Without colours"},
                          {"index", 0, FlagKind::Number, "Which container of the service"}},
                .most = any_number,
                .run =
                    [options](Context& context, const Flags& flags) {
                        return run_compose_logs(context, flags, options);
                    }},
        Command{.name = "events",
                .arguments = "[SERVICE...]",
                .summary = "Show what happens to the containers, as it happens",
                .example = "berth compose events --json",
                .flags = {{"json", 0, FlagKind::Bool, "One JSON document a line"},
                          {"since", 0, FlagKind::Text, "From then on"},
                          {"until", 0, FlagKind::Text, "Up to then, and leave"}},
                .most = any_number,
                .run = [options](Context& context, const Flags& flags) {
                    return run_compose_events(context, flags, options);
                }}};
}

}  // namespace berth::cli
