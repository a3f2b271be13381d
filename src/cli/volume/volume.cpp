#include <algorithm>

#include "cli/commands.h"
#include "cli/container/create_parts_internal.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/system/inspect.h"
#include "cli/system/prune.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

using codec::get_string;
using enum FlagKind;

Result<int> run_create(Context& context, const Flags& flags) {
    api::VolumeCreateRequest request;
    request.name = flags.argument_count() > 0 ? flags.argument(0) : flags.text("name");
    request.driver = flags.text("driver");
    add_pairs(request.driver_opts, flags.list("opt"));
    add_pairs(request.labels, flags.list("label"));
    const auto* engine = TRY(context.engine());
    TRY(context.print_line(get_string(TRY(engine->create_volume(request)), "Name")));
    return 0;
}

Result<int> run_list(Context& context, const Flags& flags) {
    std::string format = flags.text("format");
    if (format.empty()) format = TRY(context.config())->text("volumesFormat");
    const auto* engine = TRY(context.engine());
    const auto answer = TRY(engine->list_volumes(TRY(filters_of(flags))));
    for (const auto& warning : codec::get_strings(answer, "Warnings")) context.warn(warning);
    std::vector<Row> rows;
    if (const auto* volumes = codec::find_member(answer, "Volumes")) {
        for (const auto& volume : *volumes) {
            Row row;
            if (const auto* labels = codec::find_member(volume, "Labels")) row.labels = *labels;
            const auto* usage = codec::find_member(volume, "UsageData");
            row.fields["Driver"] = get_string(volume, "Driver");
            row.fields["Labels"] = join_labels(row.labels);
            row.fields["Links"] =
                usage != nullptr ? concat(codec::get_int(*usage, "RefCount")) : "N/A";
            row.fields["Mountpoint"] = get_string(volume, "Mountpoint");
            row.fields["Name"] = get_string(volume, "Name");
            row.fields["Scope"] = get_string(volume, "Scope");
            row.fields["Size"] =
                usage != nullptr ? human_size(static_cast<double>(codec::get_int(*usage, "Size")))
                                 : "N/A";
            rows.push_back(std::move(row));
        }
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return get_string(a.fields, "Name") < get_string(b.fields, "Name");
    });
    const ListView view{.table = "table {{.Driver}}\t{{.Name}}",
                        .headings = {{"Driver", "DRIVER"},
                                     {"Name", "VOLUME NAME"},
                                     {"Scope", "SCOPE"},
                                     {"Mountpoint", "MOUNTPOINT"},
                                     {"Labels", "LABELS"},
                                     {"Links", "LINKS"},
                                     {"Size", "SIZE"}}};
    TRY(context.print(TRY(render_list(view, flags.is_set("quiet") ? "{{.Name}}" : format, rows))));
    return 0;
}

Result<int> run_inspect(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return inspect_each(context, flags,
                        [&](const std::string& name) { return engine->inspect_volume(name); });
}

Result<int> run_remove(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return for_each_name(context, flags.arguments(),
                         [&](const std::string& name) -> Result<std::string> {
                             TRY(engine->remove_volume(name, flags.is_set("force")));
                             return name;
                         });
}

Result<int> run_prune(Context& context, const Flags& flags) {
    const bool all = flags.is_set("all");
    return prune(
        context, flags,
        {.warning =
             all ? "This will remove all local volumes not used by at least one container."
                 : "This will remove anonymous local volumes not used by at least one container.",
         .plan = {.types = {"volume"}, .all_volumes = all},
         .otherwise = {prune_volumes_step(all)}});
}

}  // namespace

Command volume_group() {
    auto prune_options = prune_flags();
    prune_options.push_back({.name = "all", .letter = 'a', .help = "Named ones too"});
    return {
        .name = "volume",
        .summary = "Manage volumes",
        .children = {
            {.name = "create",
             .arguments = "[VOLUME]",
             .summary = "Create a volume",
             .example = "berth volume create pgdata",
             .flags =
                 {{.name = "driver",
                   .letter = 'd',
                   .kind = Text,
                   .help = "Driver",
                   .fallback = "local"},
                  {.name = "label", .kind = List, .help = "Set a label"},
                  {.name = "name", .kind = Text, .help = "", .hidden = true},
                  {.name = "opt", .letter = 'o', .kind = List, .help = "Option of the driver"}},
             .least = 0,
             .most = 1,
             .run = run_create},
            {.name = "ls",
             .summary = "List volumes",
             .example = "berth volume ls -q --filter dangling=true",
             .flags = list_flags(),
             .run = run_list,
             .aliases = {"list"}},
            {.name = "inspect",
             .arguments = "VOLUME [VOLUME...]",
             .summary = "Show everything about volumes",
             .example = "berth volume inspect pgdata",
             .flags = inspect_flags(),
             .least = 1,
             .most = any_number,
             .run = run_inspect},
            {.name = "rm",
             .arguments = "VOLUME [VOLUME...]",
             .summary = "Remove volumes",
             .example = "berth volume rm pgdata",
             .flags = {{.name = "force", .letter = 'f', .help = "It is fine if it is not there"}},
             .least = 1,
             .most = any_number,
             .run = run_remove,
             .aliases = {"remove"}},
            {.name = "prune",
             .summary = "Remove volumes that nothing uses",
             .example = "berth volume prune -f",
             .flags = prune_options,
             .run = run_prune},
        }};
}

}  // namespace berth::cli
