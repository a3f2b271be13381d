#include "cli/system/prune.h"

#include <unistd.h>

#include "cli/commands.h"
#include "cli/output/rows.h"
#include "cli/units.h"
#include "sys/file.h"

namespace berth::cli {

std::vector<Flag> prune_flags() {
    return {
        {.name = "filter", .kind = FlagKind::List, .help = "Only what fits (until=24h, label=key)"},
        {.name = "force", .letter = 'f', .help = "Do not ask"}};
}

Result<bool> confirm(Context& context, std::string_view warning) {
    if (!context.is_input_terminal()) {
        return fail(ErrorCode::InvalidArgument,
                    "nobody can be asked: standard input is no terminal")
            .with_hint("add --force to go on without asking");
    }
    TRY(context.print(concat("WARNING! ", warning, "\nAre you sure you want to continue? [y/N] ")));
    std::string answer(64, '\0');
    answer.resize(TRY(sys::read(STDIN_FILENO, std::as_writable_bytes(std::span(answer)))));
    return to_lower(trim(answer)) == "y" || to_lower(trim(answer)) == "yes";
}

Result<> prune_and_print(Context& context, const api::Filters& filters, const PruneAction& action,
                         std::uint64_t& reclaimed) {
    const auto* engine = TRY(context.engine());
    const auto answer = TRY(action.call(*engine, filters));
    std::vector<std::string> lines;
    if (const auto* list = codec::find_member(answer, action.list_name)) {
        for (const auto& entry : *list) {
            if (entry.is_string()) {
                lines.push_back(entry.get<std::string>());
                continue;
            }
            for (const char* kind : {"Untagged", "Deleted"}) {
                const std::string name = codec::get_string(entry, kind);
                if (!name.empty()) lines.push_back(concat(to_lower(kind), ": ", name));
            }
        }
    }
    if (!lines.empty()) TRY(context.print(concat(action.heading, "\n", join(lines, "\n"), "\n\n")));
    reclaimed += static_cast<std::uint64_t>(codec::get_int(answer, "SpaceReclaimed"));
    return {};
}

Result<int> prune(Context& context, const Flags& flags, const PruneAction& action) {
    const auto filters = TRY(filters_of(flags));
    if (!flags.is_set("force") && !TRY(confirm(context, action.warning))) return 0;
    std::uint64_t reclaimed = 0;
    TRY(prune_and_print(context, filters, action, reclaimed));
    if (action.list_name != "NetworksDeleted")
        TRY(context.print_line(
            concat("Total reclaimed space: ", human_size(static_cast<double>(reclaimed), 4))));
    return 0;
}

}  // namespace berth::cli
