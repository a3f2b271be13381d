#include <atomic>
#include <thread>

#include "cli/commands.h"
#include "cli/context.h"
#include "codec/json.h"

// Verbs that do one thing to each container named: stop, kill, restart, pause, unpause, rm, wait,
// rename.
namespace berth::cli {

namespace {

using Act = std::function<Result<>(const client::Client& engine, const std::string& name,
                                   const Flags& flags)>;

constexpr std::size_t most_at_once = 16;

// Each of these verbs waits for its container, so they wait together; what came of it is told in
// the order of the names.
Result<int> for_each_at_once(
    Context& context, const std::vector<std::string>& names,
    const std::function<Result<std::string>(const std::string& name)>& act) {
    if (names.size() == 1) return for_each_name(context, names, act);
    std::vector<std::optional<Result<std::string>>> outcomes(names.size());
    std::atomic<std::size_t> next{0};
    {
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < std::min(names.size(), most_at_once); ++i) {
            workers.emplace_back([&] {
                for (std::size_t at = next++; at < names.size(); at = next++)
                    outcomes[at].emplace(act(names[at]));
            });
        }
    }
    std::size_t told = 0;
    return for_each_name(context, names,
                         [&](const std::string&) { return std::move(*outcomes[told++]); });
}

std::function<Result<int>(Context&, const Flags&)> on_each(Act act) {
    return [act = std::move(act)](Context& context, const Flags& flags) -> Result<int> {
        const auto* engine = TRY(context.engine());
        return for_each_at_once(context, flags.arguments(),
                                [&](const std::string& name) -> Result<std::string> {
                                    TRY(act(*engine, name, flags));
                                    return name;
                                });
    };
}

std::optional<int> seconds_of(const Flags& flags) {
    const auto seconds = flags.number("timeout");
    if (!seconds) return std::nullopt;
    return static_cast<int>(*seconds);
}

std::vector<Flag> stop_flags() {
    return {{.name = "signal", .letter = 's', .kind = FlagKind::Text, .help = "Signal to send"},
            {.name = "timeout",
             .letter = 't',
             .kind = FlagKind::Number,
             .help = "Seconds to wait before killing",
             .alias = "time"}};
}

// Which case a stop was, when its process did not end by itself. Another engine does not know, and
// that is fine.
void tell_how_it_ended(const Context& context, const client::Client& engine,
                       const std::string& name) {
    const auto why = engine.get(concat("/berth/v1/containers/", name, "/why"));
    if (!why) return;
    const std::string cause = codec::get_string(*why, "Cause");
    if (cause != "stop-no-handler" && cause != "stop-timeout") return;
    context.note(concat("berth: ", name, ": ", codec::get_string(*why, "Summary"),
                        "\nhint: ", codec::get_string(*why, "Hint"), "\n"));
}

Result<int> run_stop(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const int code = TRY(for_each_at_once(
        context, flags.arguments(), [&](const std::string& name) -> Result<std::string> {
            TRY(engine->stop_container(name, seconds_of(flags), flags.text("signal")));
            return name;
        }));
    for (const std::string& name : flags.arguments()) {
        if (!context.docker_defaults()) tell_how_it_ended(context, *engine, name);
    }
    return code;
}

Result<int> run_wait(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return for_each_name(context, flags.arguments(),
                         [&](const std::string& name) -> Result<std::string> {
                             const auto exit = TRY(engine->wait_container(name));
                             return concat(exit.status);
                         });
}

Result<int> run_rename(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    TRY(engine->rename_container(flags.argument(0), flags.argument(1)));
    return 0;
}

}  // namespace

Command stop_command() {
    return {.name = "stop",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Stop running containers",
            .example = "berth stop -t 5 web",
            .flags = stop_flags(),
            .least = 1,
            .most = any_number,
            .run = run_stop};
}

Command restart_command() {
    return {.name = "restart",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Stop containers and start them again",
            .example = "berth restart web",
            .flags = stop_flags(),
            .least = 1,
            .most = any_number,
            .run = on_each(
                [](const client::Client& engine, const std::string& name, const Flags& flags) {
                    return engine.restart_container(name, seconds_of(flags), flags.text("signal"));
                })};
}

Command kill_command() {
    return {.name = "kill",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Send a signal to containers, SIGKILL unless told otherwise",
            .example = "berth kill -s HUP web",
            .flags = {{.name = "signal",
                       .letter = 's',
                       .kind = FlagKind::Text,
                       .help = "Signal to send",
                       .fallback = "KILL"}},
            .least = 1,
            .most = any_number,
            .run = on_each(
                [](const client::Client& engine, const std::string& name, const Flags& flags) {
                    return engine.kill_container(name, flags.text("signal"));
                })};
}

Command pause_command() {
    return {.name = "pause",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Freeze all processes of containers",
            .example = "berth pause web",
            .least = 1,
            .most = any_number,
            .run = on_each([](const client::Client& engine, const std::string& name, const Flags&) {
                return engine.pause_container(name);
            })};
}

Command unpause_command() {
    return {.name = "unpause",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Let frozen containers go on",
            .example = "berth unpause web",
            .least = 1,
            .most = any_number,
            .run = on_each([](const client::Client& engine, const std::string& name, const Flags&) {
                return engine.unpause_container(name);
            })};
}

Command rm_command() {
    return {
        .name = "rm",
        .arguments = "CONTAINER [CONTAINER...]",
        .summary = "Remove containers",
        .example = "berth rm -f web",
        .flags = {{.name = "force", .letter = 'f', .help = "Kill a running container first"},
                  {.name = "link", .letter = 'l', .help = "Remove a link and not the container"},
                  {.name = "volumes", .letter = 'v', .help = "Remove its anonymous volumes too"}},
        .least = 1,
        .most = any_number,
        .run = on_each([](const client::Client& engine, const std::string& name,
                          const Flags& flags) -> Result<> {
            auto removed = engine.remove_container(name, {.force = flags.is_set("force"),
                                                          .volumes = flags.is_set("volumes"),
                                                          .link = flags.is_set("link")});
            // With -f, what is not there is as it should be; docker says so and exits with 0 as
            // well.
            if (!removed && flags.is_set("force") && removed.error().is(ErrorCode::NotFound)) {
                Context({}).note(concat("berth: ", removed.error().message(), "\n"));
                return {};
            }
            return removed;
        }),
        .aliases = {"remove"}};
}

Command wait_command() {
    return {.name = "wait",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Wait until containers end, and print their exit codes",
            .example = "berth wait migrate",
            .least = 1,
            .most = any_number,
            .run = run_wait};
}

Command rename_command() {
    return {.name = "rename",
            .arguments = "CONTAINER NAME",
            .summary = "Give a container another name",
            .example = "berth rename web old-web",
            .least = 2,
            .most = 2,
            .run = run_rename};
}

}  // namespace berth::cli
