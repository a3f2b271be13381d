#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/output/table.h"
#include "cli/units.h"

// What goes on in a container: top, port, diff.
namespace berth::cli {

namespace {

using codec::get_string;

Result<int> run_top(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const std::vector<std::string> words(flags.arguments().begin() + 1, flags.arguments().end());
    const auto answer = TRY(engine->top(flags.argument(0), join(words, " ")));
    std::string text = join(codec::get_strings(answer, "Titles"), "\t") + "\n";
    if (const auto* processes = codec::find_member(answer, "Processes")) {
        for (const auto& process : *processes) {
            std::vector<std::string> cells;
            for (const auto& cell : process)
                cells.push_back(cell.is_string() ? cell.get<std::string>() : "");
            text += join(cells, "\t") + "\n";
        }
    }
    TRY(context.print(align_columns(text)));
    return 0;
}

std::string address_of(const codec::Json& binding) {
    const std::string ip = get_string(binding, "HostIp");
    return concat(ip.find(':') != std::string::npos ? concat("[", ip, "]") : ip, ":",
                  get_string(binding, "HostPort"));
}

Result<int> run_port(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto json = TRY(engine->inspect_container(flags.argument(0)));
    std::string wanted = flags.argument_count() > 1 ? flags.argument(1) : "";
    if (!wanted.empty() && wanted.find('/') == std::string::npos) wanted += "/tcp";
    const auto* settings = codec::find_member(json, "NetworkSettings");
    const auto* ports = settings != nullptr ? codec::find_member(*settings, "Ports") : nullptr;
    std::vector<std::string> lines;
    if (ports != nullptr) {
        for (const auto& [port, bindings] : ports->items()) {
            if (!wanted.empty() && port != wanted) continue;
            for (const auto& binding : bindings) {
                lines.push_back(wanted.empty() ? concat(port, " -> ", address_of(binding))
                                               : address_of(binding));
            }
        }
    }
    if (lines.empty() && !wanted.empty()) {
        return fail(ErrorCode::NotFound, "no public port '", wanted, "' published for ",
                    flags.argument(0));
    }
    for (const auto& line : lines) TRY(context.print_line(line));
    return 0;
}

Result<int> run_diff(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto changes = TRY(engine->changes(flags.argument(0)));
    static constexpr std::string_view kinds[] = {"C", "A", "D"};
    std::string text;
    for (const auto& change : changes) {
        const auto kind = codec::get_int(change, "Kind");
        text += concat(kind >= 0 && kind < 3 ? kinds[kind] : "?", " ", get_string(change, "Path"),
                       "\n");
    }
    TRY(context.print(text));
    return 0;
}

}  // namespace

Command top_command() {
    return {.name = "top",
            .arguments = "CONTAINER [ps OPTIONS]",
            .summary = "List the processes of a container",
            .example = "berth top web",
            .least = 1,
            .most = any_number,
            .stop_at_first = true,
            .run = run_top};
}

Command port_command() {
    return {.name = "port",
            .arguments = "CONTAINER [PORT[/PROTOCOL]]",
            .summary = "Show where ports of a container are published",
            .example = "berth port web 80/tcp",
            .least = 1,
            .most = 2,
            .run = run_port};
}

Command diff_command() {
    return {.name = "diff",
            .arguments = "CONTAINER",
            .summary = "List files that a container added (A), changed (C) or deleted (D)",
            .example = "berth diff web",
            .least = 1,
            .most = 1,
            .run = run_diff};
}

}  // namespace berth::cli
