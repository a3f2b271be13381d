#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"

namespace berth::cli {

namespace {

ListView view(bool with_size) {
    ListView out;
    out.table = with_size ? "table "
                            "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{."
                            "Ports}}\t{{.Names}}\t{{."
                            "Size}}"
                          : "table "
                            "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{."
                            "Ports}}\t{{.Names}}";
    out.headings = {{"ID", "CONTAINER ID"},    {"Image", "IMAGE"},
                    {"Command", "COMMAND"},    {"CreatedAt", "CREATED AT"},
                    {"RunningFor", "CREATED"}, {"Status", "STATUS"},
                    {"State", "STATE"},        {"Ports", "PORTS"},
                    {"Names", "NAMES"},        {"Size", "SIZE"},
                    {"Labels", "LABELS"},      {"Mounts", "MOUNTS"},
                    {"Networks", "NETWORKS"},  {"LocalVolumes", "LOCAL VOLUMES"}};
    return out;
}

Result<int> run_ps(Context& context, const Flags& flags) {
    std::string format = flags.text("format");
    if (format.empty()) format = TRY(context.config())->text("psFormat");
    client::ListContainersOptions options;
    options.filters = TRY(filters_of(flags));
    options.all = flags.is_set("all");
    options.size = flags.is_set("size") || format.find(".Size") != std::string::npos;
    options.limit = static_cast<int>(flags.number("last").value_or(-1));
    if (flags.is_set("latest")) options.limit = 1;
    if (options.limit > 0) options.all = true;
    const auto* engine = TRY(context.engine());
    const auto containers = TRY(engine->list_containers(options));
    std::vector<Row> rows;
    for (const auto& container : containers)
        rows.push_back(container_row(container, flags.is_set("no-trunc")));
    if (flags.is_set("quiet")) format = "{{.ID}}";
    TRY(context.print(TRY(render_list(view(flags.is_set("size")), format, rows))));
    return 0;
}

}  // namespace

Command ps_command() {
    auto flags = list_flags();
    flags.push_back({.name = "all", .letter = 'a', .help = "Stopped ones too"});
    flags.push_back({.name = "last",
                     .letter = 'n',
                     .kind = FlagKind::Number,
                     .help = "Only the newest, of any state"});
    flags.push_back({.name = "latest", .letter = 'l', .help = "Only the newest one, of any state"});
    flags.push_back({.name = "size", .letter = 's', .help = "Show how much each has written"});
    return {.name = "ps",
            .summary = "List containers",
            .example =
                "berth ps -a --filter status=exited\nberth ps --format 'table "
                "{{.Names}}\\t{{.Status}}'",
            .flags = std::move(flags),
            .run = run_ps,
            .aliases = {"ls", "list"}};
}

}  // namespace berth::cli
