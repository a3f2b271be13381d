#include <algorithm>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"

namespace berth::cli {

namespace {

using codec::find_member;
using codec::get_string;

// "2026-11-23T10:00:00.000000000Z container start 0123... (image=nginx, name=web)"
std::string event_line(const codec::Json& event) {
    const Timestamp time(std::chrono::nanoseconds(codec::get_int(event, "timeNano")));
    std::string out =
        concat(to_rfc3339(time), " ", get_string(event, "Type"), " ", get_string(event, "Action"));
    const auto* actor = find_member(event, "Actor");
    if (actor == nullptr) return out;
    out += concat(" ", get_string(*actor, "ID"));
    std::vector<std::string> attributes;
    for (const auto& [key, value] : codec::get_string_map(*actor, "Attributes"))
        attributes.push_back(concat(key, "=", value));
    std::sort(attributes.begin(), attributes.end());
    if (!attributes.empty()) out += concat(" (", join(attributes, ", "), ")");
    return out;
}

Result<int> run_events(Context& context, const Flags& flags) {
    const std::string since = TRY(parse_time_flag(flags.text("since"), "--since"));
    const std::string until = TRY(parse_time_flag(flags.text("until"), "--until"));
    const auto filters = TRY(filters_of(flags));
    const std::string format = flags.text("format");
    // A template that is wrong is refused before the first event comes.
    if (!format.empty()) TRY(check_format(format));
    const auto* engine = TRY(context.engine());
    TRY(engine->events(since, until, filters, [&](const codec::Json& event) -> Result<> {
        if (format.empty()) return context.print_line(event_line(event));
        return context.print(TRY(render_document(format, event)));
    }));
    return 0;
}

}  // namespace

Command events_command() {
    return {.name = "events",
            .summary = "Show what happens, as it happens",
            .example = "berth events --since 10m --filter type=container",
            .flags = {{.name = "filter",
                       .letter = 'f',
                       .kind = FlagKind::List,
                       .help = "Only what fits (event=die, container=web)"},
                      {.name = "format", .kind = FlagKind::Text, .help = "json, or a Go template"},
                      {.name = "since", .kind = FlagKind::Text, .help = "From then on"},
                      {.name = "until", .kind = FlagKind::Text, .help = "Up to then, and leave"}},
            .run = run_events};
}

}  // namespace berth::cli
