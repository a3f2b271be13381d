#include "cli/compose/progress_view.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "compose/down.h"

namespace berth::cli {

namespace {

Result<int> run_verb(Context& context, const Flags& flags, const SharedComposeOptions& options,
                     compose::Verb verb) {
    const compose::Project whole = TRY(load_or_find_project(context, *options, flags.arguments()));
    const compose::Project project = TRY(compose::select_services(whole, flags.arguments(), false));
    Interrupt interrupt;
    const client::Client* engine = TRY(context.engine());
    compose::VerbOptions verb_options;
    if (const auto seconds = flags.number("timeout"))
        verb_options.timeout = static_cast<int>(*seconds);
    verb_options.signal = flags.text("signal");
    verb_options.volumes = flags.is_set("volumes");
    // With --stop, what is not running any more by then may still be about to end.
    verb_options.force = flags.is_set("stop");
    ProgressView view(context, options->progress);
    if (verb == compose::Verb::Remove && flags.is_set("stop")) {
        TRY(compose::apply(*engine, project, compose::Verb::Stop, verb_options, view.sink(),
                           interrupt.token()));
    }
    TRY(compose::apply(*engine, project, verb, verb_options, view.sink(), interrupt.token()));
    return 0;
}

Command verb_command(const SharedComposeOptions& options, std::string_view name,
                     std::string_view summary, std::string_view example, compose::Verb verb,
                     std::vector<Flag> flags = {}) {
    return {.name = name,
            .arguments = "[SERVICE...]",
            .summary = summary,
            .example = example,
            .flags = std::move(flags),
            .most = any_number,
            .run = [options, verb](Context& context, const Flags& parsed) {
                return run_verb(context, parsed, options, verb);
            }};
}

}  // namespace

std::vector<Command> compose_verb_commands(const SharedComposeOptions& options) {
    using compose::Verb;
    const Flag timeout{"timeout", 't', FlagKind::Number, "Seconds to wait before killing"};
    return {
        verb_command(options, "start", "Start stopped containers", "berth compose start api",
                     Verb::Start),
        verb_command(options, "stop", "Stop containers without removing them",
                     "berth compose stop -t 5 api", Verb::Stop, {timeout}),
        verb_command(options, "restart", "Restart containers", "berth compose restart api",
                     Verb::Restart, {timeout}),
        verb_command(options, "kill", "Kill containers", "berth compose kill -s HUP api",
                     Verb::Kill, {{"signal", 's', FlagKind::Text, "Signal to send", "KILL"}}),
        verb_command(options, "pause", "Pause containers", "berth compose pause worker",
                     Verb::Pause),
        verb_command(options, "unpause", "Resume paused containers", "berth compose unpause worker",
                     Verb::Unpause),
        verb_command(options, "rm", "Remove stopped containers", "berth compose rm -sf api",
                     Verb::Remove,
                     {{"stop", 's', FlagKind::Bool, "Stop them first"},
                      {"force", 'f', FlagKind::Bool, "Do not ask"},
                      {"volumes", 'v', FlagKind::Bool, "Remove their anonymous volumes, too"}})};
}

}  // namespace berth::cli
