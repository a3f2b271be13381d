#include <unistd.h>

#include "cli/commands.h"
#include "cli/context.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

Result<int> run_logs(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    if (flags.is_set("clear")) {
        TRY(engine->remove(concat("/berth/v1/containers/", flags.argument(0), "/logs")));
        return 0;
    }
    client::LogOptions options;
    options.follow = flags.is_set("follow");
    options.timestamps = flags.is_set("timestamps");
    options.details = flags.is_set("details");
    options.since = TRY(parse_time_flag(flags.text("since"), "--since"));
    options.until = TRY(parse_time_flag(flags.text("until"), "--until"));
    options.tail = flags.text("tail");
    TRY(engine->logs(flags.argument(0), options, [](api::Stream stream, std::string_view bytes) {
        return sys::write_all(stream == api::Stream::Stderr ? STDERR_FILENO : STDOUT_FILENO, bytes);
    }));
    return 0;
}

}  // namespace

Command logs_command() {
    return {.name = "logs",
            .arguments = "CONTAINER",
            .summary = "Show what a container wrote",
            .example = "berth logs -f --tail 20 web",
            .flags = {{.name = "clear", .help = "Forget what it wrote so far, and show nothing"},
                      {.name = "details", .help = "Show attributes of the lines"},
                      {.name = "follow", .letter = 'f', .help = "Go on with what it writes"},
                      {.name = "since",
                       .kind = FlagKind::Text,
                       .help = "From then on (2026-01-02T13:23:37Z, or 42m ago)"},
                      {.name = "tail",
                       .letter = 'n',
                       .kind = FlagKind::Text,
                       .help = "Only so many lines of the end",
                       .fallback = "all"},
                      {.name = "timestamps", .letter = 't', .help = "Show the time of each line"},
                      {.name = "until", .kind = FlagKind::Text, .help = "Up to then"}},
            .least = 1,
            .most = 1,
            .run = run_logs};
}

}  // namespace berth::cli
