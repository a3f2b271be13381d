#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/system/prune.h"
#include "cli/units.h"

// The groups "system" and "builder".
namespace berth::cli {

namespace {

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
    PruneAction action{.warning = warning,
                       .plan = {.types = {"container", "network"}, .all_images = all},
                       .otherwise = {prune_containers_step(), prune_networks_step()}};
    if (volumes) {
        action.plan.types.emplace_back("volume");
        action.otherwise.push_back(prune_volumes_step(false));
    }
    action.plan.types.emplace_back("image");
    action.otherwise.push_back(prune_images_step(all));
    // Labels say nothing about cache entries.
    if (!filters.has("label") && !filters.has("label!")) {
        action.plan.types.emplace_back("build-cache");
        action.otherwise.push_back(prune_builds_step(all));
    }
    return prune(context, flags, action);
}

Result<int> run_builder_prune(Context& context, const Flags& flags) {
    const bool all = flags.is_set("all");
    return prune(context, flags,
                 {.warning = all ? "This will remove all build cache."
                                 : "This will remove all dangling build cache.",
                  .plan = {.types = {"build-cache"}},
                  .otherwise = {prune_builds_step(all)}});
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
