#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "build/builder.h"
#include "engine/holdings.h"

// What nothing uses, and its removal. A plan is a value: it is shown, thought about, and carried
// out later; what changed meanwhile is left alone then, and what became unused meanwhile is none of
// it.
namespace berth::engine {

struct PruneRequest {
    /// Container, Network, Volume, Image and BuildCache. Images take downloads that broke off with
    /// them, the build cache takes logs of ended builds.
    std::set<HoldingKind> kinds;
    bool all_images = false;   // not only those without a name
    bool all_volumes = false;  // not only anonymous ones
    std::optional<Timestamp> until;
    std::vector<std::string> labels, without_labels;
    /// The same for labels as a map; empty takes everything.
    std::function<bool(const std::map<std::string, std::string>& labels)> has_labels;
    build::CachePrune cache;
};

struct PrunePlan {
    Timestamp made_at{};
    std::set<HoldingKind> kinds;
    std::vector<Holding> items;
    std::int64_t shared = 0;        // what only several items together have
    std::int64_t unreferenced = 0;  // what no item has, and nothing else
    std::int64_t total() const;
};

struct PruneOutcome {
    struct Left {
        Holding item;
        std::string why;
    };
    std::vector<Holding> removed;
    std::vector<Left> left;
    std::int64_t bytes = 0;  // that came back
};

Result<PrunePlan> plan_prune(Engine& engine, const PruneRequest& request,
                             const std::stop_token& stop);
/// Removes what the plan names and is as it was. Conflict for a plan from before the engine
/// started, and while another prune runs. Of `items`, kind, id and names count.
Result<PruneOutcome> carry_out(Engine& engine, const PrunePlan& plan, const std::stop_token& stop);

}  // namespace berth::engine
