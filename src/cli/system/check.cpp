#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/registry/credentials.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

using codec::get_int;
using codec::get_string;

Result<int> run_check(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const bool is_repair = flags.is_set("repair");
    const auto auths = is_repair ? TRY(all_logins(context)) : client::Client::Auths();
    const auto report = TRY(engine->check_system(is_repair, auths));
    std::vector<Row> rows;
    bool all_repaired = true;
    if (const auto* problems = codec::find_member(report, "Problems")) {
        for (const auto& problem : *problems) {
            Row row;
            for (const char* field : {"Kind", "Subject", "Problem", "Repair"})
                row.fields[field] = get_string(problem, field);
            all_repaired = all_repaired && codec::get_bool(problem, "Repaired");
            rows.push_back(std::move(row));
        }
    }
    const ListView list{.table = "table {{.Kind}}\t{{.Subject}}\t{{.Problem}}\t{{.Repair}}",
                        .headings = {{"Kind", "KIND"},
                                     {"Subject", "SUBJECT"},
                                     {"Problem", "PROBLEM"},
                                     {"Repair", "REPAIR"}}};
    const bool is_plain = flags.text("format").empty();
    if (!rows.empty() || !is_plain)
        TRY(context.print(TRY(render_list(list, flags.text("format"), rows))));
    if (is_plain)
        TRY(context.print_line(
            concat(get_int(report, "Images"), " images, ", get_int(report, "Layers"),
                   " layers and ", get_int(report, "Blobs"), " blobs (",
                   human_size(static_cast<double>(get_int(report, "Bytes"))),
                   ") were checked: ", rows.size(), rows.size() == 1 ? " problem" : " problems")));
    return all_repaired ? 0 : 1;
}

}  // namespace

Command check_command() {
    return {.name = "check",
            .summary = "Check that images, layers and blobs are what they claim to be",
            .example = "berth system check --repair",
            .flags = {{.name = "format",
                       .kind = FlagKind::Text,
                       .help = "table, json or a Go template"},
                      {.name = "repair",
                       .help = "Fetch or make again what can be, and remove what is damaged beyond "
                               "that, so that a pull brings it"}},
            .run = run_check};
}

}  // namespace berth::cli
