#include <unistd.h>

#include "cli/commands.h"
#include "cli/container/create_parts_internal.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/output/file_output.h"
#include "cli/output/rows.h"
#include "cli/parse/resources.h"
#include "cli/system/prune.h"
#include "cli/units.h"
#include "codec/json.h"

// What outlives a container's run: commit, export, update, prune.
namespace berth::cli {

namespace {

Result<int> run_commit(Context& context, const Flags& flags) {
    client::CommitOptions options;
    options.author = flags.text("author");
    options.comment = flags.text("message");
    options.changes = flags.list("change");
    options.pause = flags.is_set("pause");
    if (flags.argument_count() > 1) {
        const std::string& name = flags.argument(1);
        const auto colon = name.rfind(':');
        const bool has_tag =
            colon != std::string::npos && name.find('/', colon) == std::string::npos;
        options.repository = name.substr(0, has_tag ? colon : std::string::npos);
        if (has_tag) options.tag = name.substr(colon + 1);
    }
    const auto* engine = TRY(context.engine());
    TRY(context.print_line(TRY(engine->commit(flags.argument(0), options))));
    return 0;
}

Result<int> run_export(Context& context, const Flags& flags) {
    auto output = TRY(FileOutput::open(context, flags.text("output")));
    const auto* engine = TRY(context.engine());
    // As with save: only a half written file needs tidying up.
    std::optional<Interrupt> interrupt;
    if (flags.has("output")) interrupt.emplace();
    TRY(engine->export_container(flags.argument(0), output.sink(),
                                 interrupt ? interrupt->token() : std::stop_token()));
    TRY(std::move(output).commit());
    return 0;
}

Result<int> run_update(Context& context, const Flags& flags) {
    if (!flags.has_any())
        return fail(ErrorCode::InvalidArgument,
                    "You must provide one or more flags when using this command.");
    api::ContainerUpdateRequest request;
    set_limits(flags, request.resources);
    request.restart_policy = TRY(parse_restart(flags.text("restart")));
    const auto* engine = TRY(context.engine());
    return for_each_name(context, flags.arguments(),
                         [&](const std::string& name) -> Result<std::string> {
                             const auto answer = TRY(engine->update_container(name, request));
                             for (const auto& warning : codec::get_strings(answer, "Warnings"))
                                 context.warn(warning);
                             return name;
                         });
}

Result<int> run_prune(Context& context, const Flags& flags) {
    return prune(context, flags,
                 {.warning = "This will remove all stopped containers.",
                  .plan = {.types = {"container"}},
                  .otherwise = {prune_containers_step()}});
}

}  // namespace

Command commit_command() {
    return {.name = "commit",
            .arguments = "CONTAINER [REPOSITORY[:TAG]]",
            .summary = "Make an image of what a container changed",
            .example = "berth commit -m 'add tools' work tools:1",
            .flags = {{.name = "author", .letter = 'a', .kind = FlagKind::Text, .help = "Author"},
                      {.name = "change",
                       .letter = 'c',
                       .kind = FlagKind::List,
                       .help = "Dockerfile instruction to apply"},
                      {.name = "message", .letter = 'm', .kind = FlagKind::Text, .help = "Comment"},
                      {.name = "pause",
                       .letter = 'p',
                       .help = "Freeze the container meanwhile",
                       .fallback = "true"}},
            .least = 1,
            .most = 2,
            .run = run_commit};
}

Command export_command() {
    return {.name = "export",
            .arguments = "CONTAINER",
            .summary = "Write a container's files as a tar archive",
            .example = "berth export -o web.tar web",
            .flags = {{.name = "output",
                       .letter = 'o',
                       .kind = FlagKind::Text,
                       .help = "File instead of standard output"}},
            .least = 1,
            .most = 1,
            .run = run_export};
}

Command update_command() {
    using enum FlagKind;
    return {
        .name = "update",
        .arguments = "CONTAINER [CONTAINER...]",
        .summary = "Change limits and restart policy of containers",
        .example = "berth update --memory 1g --restart unless-stopped web",
        .flags =
            {{.name = "blkio-weight", .kind = Number, .help = "Share of disk time"},
             {.name = "cpu-period", .kind = Number, .help = "CFS period in microseconds"},
             {.name = "cpu-quota", .kind = Number, .help = "CFS quota in microseconds"},
             {.name = "cpu-rt-period", .kind = Number, .help = "Real-time period in microseconds"},
             {.name = "cpu-rt-runtime",
              .kind = Number,
              .help = "Real-time run time in microseconds"},
             {.name = "cpu-shares", .letter = 'c', .kind = Number, .help = "Relative CPU weight"},
             {.name = "cpus", .kind = Real, .help = "Number of CPUs"},
             {.name = "cpuset-cpus", .kind = Text, .help = "CPUs to run on"},
             {.name = "cpuset-mems", .kind = Text, .help = "Memory nodes to use"},
             {.name = "memory", .letter = 'm', .kind = Bytes, .help = "Memory limit"},
             {.name = "memory-reservation", .kind = Bytes, .help = "Soft memory limit"},
             {.name = "memory-swap", .kind = Bytes, .help = "Limit of memory and swap together"},
             {.name = "pids-limit", .kind = Number, .help = "Limit of processes"},
             {.name = "restart", .kind = Text, .help = "Restart policy"}},
        .least = 1,
        .most = any_number,
        .run = run_update};
}

Command prune_containers_command() {
    return {.name = "prune",
            .summary = "Remove all stopped containers",
            .example = "berth container prune -f --filter until=24h",
            .flags = prune_flags(),
            .run = run_prune};
}

}  // namespace berth::cli
