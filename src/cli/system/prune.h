#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/flags.h"
#include "client/client.h"
#include "codec/json.h"

namespace berth::cli {

/// One of Docker's own prunes.
struct PruneStep {
    std::function<Result<codec::Json>(const client::Client& engine, api::Filters filters)> call;
    std::string_view list_name;  ///< member of the answer that lists what went
    std::string_view heading;
};
PruneStep prune_containers_step();
PruneStep prune_networks_step();
PruneStep prune_volumes_step(bool all);
PruneStep prune_images_step(bool all);
PruneStep prune_builds_step(bool all);

struct PruneAction {
    std::string warning;  ///< where there is no plan to be seen
    client::Client::PrunePlanOptions plan;
    std::vector<PruneStep> otherwise;  ///< for an engine that makes no plans
};

/// --force, --filter, --dry-run and --format.
std::vector<Flag> prune_flags();
/// Shows what would go and asks, unless --force was given (and fails when nobody can answer);
/// removes just that, prints what went and how much it freed.
Result<int> prune(Context& context, const Flags& flags, const PruneAction& action);

}  // namespace berth::cli
