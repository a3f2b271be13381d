#include "cli/system/prune.h"

#include <unistd.h>

#include <array>

#include "cli/commands.h"
#include "cli/output/format.h"
#include "cli/output/rows.h"
#include "cli/output/table.h"
#include "cli/units.h"
#include "sys/file.h"

namespace berth::cli {

using codec::get_int;
using codec::get_string;
using codec::Json;

namespace {

const Json& items_of(const Json& object, std::string_view name) {
    static const Json empty = Json::array();
    const auto* list = codec::find_member(object, name);
    return list != nullptr && list->is_array() ? *list : empty;
}

std::string bytes_text(std::int64_t bytes, int digits = 3) {
    return human_size(static_cast<double>(bytes), digits);
}

std::string id_text(const Json& item) {
    const std::string type = get_string(item, "Type"), id = get_string(item, "ID");
    if (type == "download") return id.substr(0, 16);
    return short_id(id).substr(0, 12);
}

std::string name_text(const Json& item) {
    const auto names = codec::get_strings(item, "Names");
    if (!names.empty()) return shorten(replace_all(join(names, ", "), "\n", " "), 60);
    const std::string type = get_string(item, "Type");
    if (type == "image") return "<none>";
    if (type == "download") return "what is left of one that broke off";
    return "";
}

std::string plan_text(const Json& plan) {
    std::string text = "TYPE\tID\tNAME\tSIZE\n";
    for (const auto& item : items_of(plan, "Items"))
        text += concat(get_string(item, "Type"), "\t", id_text(item), "\t", name_text(item), "\t",
                       bytes_text(get_int(item, "Size")), "\n");
    if (const auto shared = get_int(plan, "Shared"); shared > 0)
        text += concat("content\t\twhat several of these share\t", bytes_text(shared), "\n");
    if (const auto rest = get_int(plan, "Unreferenced"); rest > 0)
        text += concat("content\t\twhat nothing refers to\t", bytes_text(rest), "\n");
    const auto total = get_int(plan, "Total");
    return concat(align_columns(text), "\nTo be freed: ", bytes_text(total, 4), " (", total,
                  " bytes)\n");
}

bool is_empty(const Json& plan) {
    return items_of(plan, "Items").empty() && get_int(plan, "Total") == 0;
}

Result<> show_plan(Context& context, const Flags& flags, const Json& plan) {
    if (const std::string format = flags.text("format"); !format.empty())
        return context.print(TRY(render_document(format, plan)));
    if (is_empty(plan)) return context.print_line("Nothing to remove.");
    return context.print(plan_text(plan));
}

Result<> check_answerable(Context& context) {
    if (context.is_input_terminal()) return {};
    return fail(ErrorCode::InvalidArgument, "nobody can be asked: standard input is no terminal")
        .with_hint("add --force to go on without asking, or --dry-run to see what would go");
}

Result<bool> ask(Context& context) {
    TRY(context.print("Are you sure you want to continue? [y/N] "));
    std::string answer(64, '\0');
    answer.resize(TRY(sys::read(STDIN_FILENO, std::as_writable_bytes(std::span(answer)))));
    return to_lower(trim(answer)) == "y" || to_lower(trim(answer)) == "yes";
}

Result<> print_total(Context& context, const PruneAction& action, std::int64_t bytes) {
    // Networks take no room.
    if (action.plan.types == std::vector<std::string>{"network"}) return {};
    return context.print_line(concat("Total reclaimed space: ", bytes_text(bytes, 4)));
}

// Docker's words for what went, by type.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> headings{
    {{"container", "Deleted Containers:"},
     {"network", "Deleted Networks:"},
     {"volume", "Deleted Volumes:"},
     {"image", "Deleted Images:"},
     {"build-cache", "Deleted build cache objects:"},
     {"build-log", "Deleted logs of builds:"},
     {"download", "Deleted downloads that broke off:"}}};

std::string outcome_text(const Json& outcome) {
    std::string text;
    for (const auto& [type, heading] : headings) {
        std::vector<std::string> lines;
        for (const auto& item : items_of(outcome, "Removed")) {
            if (get_string(item, "Type") != type) continue;
            const auto names = codec::get_strings(item, "Names");
            if (type == "network" || type == "volume") {
                lines.push_back(join(names, ", "));
                continue;
            }
            if (type == "image")
                for (const auto& name : names) lines.push_back(concat("untagged: ", name));
            lines.push_back(concat(type == "image" ? "deleted: " : "", get_string(item, "ID")));
        }
        if (!lines.empty()) text += concat(heading, "\n", join(lines, "\n"), "\n\n");
    }
    std::vector<std::string> left;
    for (const auto& item : items_of(outcome, "Left")) {
        const auto names = codec::get_strings(item, "Names");
        left.push_back(concat(get_string(item, "Type"), " ",
                              names.empty() ? id_text(item) : name_text(item), ": ",
                              get_string(item, "Why")));
    }
    if (!left.empty()) text += concat("Left alone:\n", join(left, "\n"), "\n\n");
    return text;
}

Result<int> prune_by_plan(Context& context, const Flags& flags, const PruneAction& action,
                          const Json& plan) {
    const bool only_shows = flags.is_set("dry-run"), is_asked = !flags.is_set("force");
    if (only_shows || is_asked) TRY(show_plan(context, flags, plan));
    if (only_shows || (is_asked && is_empty(plan))) return 0;
    if (is_asked && !TRY(ask(context))) return 0;
    const auto* engine = TRY(context.engine());
    const auto outcome = TRY(engine->carry_out_prune_plan(plan));
    TRY(context.print(outcome_text(outcome)));
    TRY(print_total(context, action, get_int(outcome, "SpaceReclaimed")));
    return 0;
}

Result<std::int64_t> run_step(Context& context, const api::Filters& filters,
                              const PruneStep& step) {
    const auto* engine = TRY(context.engine());
    const auto answer = TRY(step.call(*engine, filters));
    std::vector<std::string> lines;
    for (const auto& entry : items_of(answer, step.list_name)) {
        if (entry.is_string()) {
            lines.push_back(entry.get<std::string>());
            continue;
        }
        for (const char* kind : {"Untagged", "Deleted"}) {
            const std::string name = get_string(entry, kind);
            if (!name.empty()) lines.push_back(concat(to_lower(kind), ": ", name));
        }
    }
    if (!lines.empty()) TRY(context.print(concat(step.heading, "\n", join(lines, "\n"), "\n\n")));
    return get_int(answer, "SpaceReclaimed");
}

// An engine that is not Berth removes what it finds when it is told to.
Result<int> prune_by_steps(Context& context, const Flags& flags, const PruneAction& action) {
    if (flags.is_set("dry-run"))
        return fail(ErrorCode::Unsupported, "this engine does not say what a prune would remove");
    if (!flags.is_set("force")) {
        TRY(context.print(concat("WARNING! ", action.warning, "\n")));
        if (!TRY(ask(context))) return 0;
    }
    std::int64_t reclaimed = 0;
    for (const auto& step : action.otherwise)
        reclaimed += TRY(run_step(context, action.plan.filters, step));
    TRY(print_total(context, action, reclaimed));
    return 0;
}

}  // namespace

PruneStep prune_containers_step() {
    return {.call = [](const client::Client& engine,
                       const api::Filters& filters) { return engine.prune_containers(filters); },
            .list_name = "ContainersDeleted",
            .heading = "Deleted Containers:"};
}

PruneStep prune_networks_step() {
    return {.call = [](const client::Client& engine,
                       const api::Filters& filters) { return engine.prune_networks(filters); },
            .list_name = "NetworksDeleted",
            .heading = "Deleted Networks:"};
}

PruneStep prune_volumes_step(bool all) {
    return {.call =
                [all](const client::Client& engine, api::Filters filters) {
                    if (all) filters.add("all", "1");
                    return engine.prune_volumes(filters);
                },
            .list_name = "VolumesDeleted",
            .heading = "Deleted Volumes:"};
}

PruneStep prune_images_step(bool all) {
    return {.call =
                [all](const client::Client& engine, api::Filters filters) {
                    filters.add("dangling", all ? "false" : "true");
                    return engine.prune_images(filters);
                },
            .list_name = "ImagesDeleted",
            .heading = "Deleted Images:"};
}

PruneStep prune_builds_step(bool all) {
    return {
        .call = [all](const client::Client& engine,
                      const api::Filters& filters) { return engine.prune_builds(all, filters); },
        .list_name = "CachesDeleted",
        .heading = "Deleted build cache objects:"};
}

std::vector<Flag> prune_flags() {
    return {
        {.name = "dry-run", .help = "Show what would go, and remove nothing"},
        {.name = "filter", .kind = FlagKind::List, .help = "Only what fits (until=24h, label=key)"},
        {.name = "force", .letter = 'f', .help = "Do not ask"},
        {.name = "format", .kind = FlagKind::Text, .help = "The plan as json or a Go template"}};
}

Result<int> prune(Context& context, const Flags& flags, const PruneAction& action) {
    PruneAction wanted = action;
    wanted.plan.filters = TRY(filters_of(flags));
    if (!flags.is_set("force") && !flags.is_set("dry-run")) TRY(check_answerable(context));
    const auto* engine = TRY(context.engine());
    auto plan = engine->prune_plan(wanted.plan);
    if (plan) return prune_by_plan(context, flags, wanted, *plan);
    if (!plan.error().is(ErrorCode::NotFound)) return std::move(plan).error();
    return prune_by_steps(context, flags, wanted);
}

}  // namespace berth::cli
