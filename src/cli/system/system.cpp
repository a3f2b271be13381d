#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/system/prune.h"
#include "cli/units.h"

// The groups "system" and "builder".
namespace berth::cli {

namespace {

PruneAction containers_action() {
    return {.call = [](const client::Client& e,
                       const api::Filters& f) { return e.prune_containers(f); },
            .list_name = "ContainersDeleted",
            .heading = "Deleted Containers:"};
}

PruneAction networks_action() {
    return {
        .call = [](const client::Client& e, const api::Filters& f) { return e.prune_networks(f); },
        .list_name = "NetworksDeleted",
        .heading = "Deleted Networks:"};
}

PruneAction volumes_action() {
    return {
        .call = [](const client::Client& e, const api::Filters& f) { return e.prune_volumes(f); },
        .list_name = "VolumesDeleted",
        .heading = "Deleted Volumes:"};
}

PruneAction images_action(bool all) {
    return {.call =
                [all](const client::Client& e, api::Filters f) {
                    f.add("dangling", all ? "false" : "true");
                    return e.prune_images(f);
                },
            .list_name = "ImagesDeleted",
            .heading = "Deleted Images:"};
}

PruneAction builds_action(bool all) {
    return {.call = [all](const client::Client& e,
                          const api::Filters& f) { return e.prune_builds(all, f); },
            .list_name = "CachesDeleted",
            .heading = "Deleted build cache objects:"};
}

Result<int> run_system_prune(Context& context, const Flags& flags) {
    const bool all = flags.is_set("all"), volumes = flags.is_set("volumes");
    const auto filters = TRY(filters_of(flags));
    if (volumes && filters.has("until"))
        return fail(ErrorCode::InvalidArgument, "the until filter cannot be used with --volumes");
    std::string warning =
        "This will remove:\n  - all stopped containers\n  - all networks not used by at least one "
        "container\n";
    if (volumes) warning += "  - all anonymous volumes not used by at least one container\n";
    warning += all ? "  - all images without at least one container associated to them\n  - all "
                     "build cache\n"
                   : "  - all dangling images\n  - unused build cache\n";
    if (!flags.is_set("force") && !TRY(confirm(context, warning))) return 0;
    std::uint64_t reclaimed = 0;
    TRY(prune_and_print(context, filters, containers_action(), reclaimed));
    TRY(prune_and_print(context, filters, networks_action(), reclaimed));
    if (volumes) TRY(prune_and_print(context, filters, volumes_action(), reclaimed));
    TRY(prune_and_print(context, filters, images_action(all), reclaimed));
    // Labels say nothing about cache entries.
    api::Filters cache;
    for (const auto& value : filters.values("until")) cache.add("until", value);
    if (!filters.has("label") && !filters.has("label!"))
        TRY(prune_and_print(context, cache, builds_action(all), reclaimed));
    TRY(context.print_line(
        concat("Total reclaimed space: ", human_size(static_cast<double>(reclaimed), 4))));
    return 0;
}

Result<int> run_builder_prune(Context& context, const Flags& flags) {
    auto action = builds_action(flags.is_set("all"));
    action.warning = flags.is_set("all") ? "This will remove all build cache."
                                         : "This will remove all dangling build cache.";
    return prune(context, flags, action);
}

std::vector<Flag> with_all(std::string_view help) {
    auto flags = prune_flags();
    flags.push_back({.name = "all", .letter = 'a', .help = help});
    return flags;
}

}  // namespace

Command system_group() {
    auto flags = with_all("All images that no container uses, not only untagged ones");
    flags.push_back({.name = "volumes", .help = "Anonymous volumes too"});
    return {.name = "system",
            .summary = "Look after the engine",
            .children = {check_command(),
                         df_command(),
                         events_command(),
                         info_command(),
                         {.name = "prune",
                          .summary = "Remove everything that nothing uses",
                          .example = "berth system prune -f",
                          .flags = flags,
                          .run = run_system_prune}}};
}

Command builder_group() {
    return {.name = "builder",
            .summary = "Look after builds",
            .children = {build_command(),
                         {.name = "prune",
                          .summary = "Remove cached build steps",
                          .example = "berth builder prune -f",
                          .flags = with_all("All of it"),
                          .run = run_builder_prune}}};
}

}  // namespace berth::cli
