// What a prune would remove, and the removal of just that. Docker's prunes are with the resource
// that each is about.
#include "engine/prune.h"
#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/handlers.h"

namespace berth::daemon {

using codec::Json;
using engine::HoldingKind;

namespace {
/// More than any engine has things to remove.
constexpr std::size_t max_plan_bytes = 64 << 20;

Result<std::set<HoldingKind>> kinds_of(const std::vector<std::string>& types) {
    std::set<HoldingKind> kinds;
    for (const auto& type : types) {
        const auto kind = engine::holding_kind_of(type);
        if (!kind || kind == HoldingKind::BuildLog || kind == HoldingKind::Download)
            return fail(ErrorCode::InvalidArgument, "unknown object type: ", type);
        kinds.insert(*kind);
    }
    if (kinds.empty()) return fail(ErrorCode::InvalidArgument, "a prune needs types of objects");
    return kinds;
}

/// The filters that make sense for all of these kinds; InvalidArgument for others.
Result<api::Filters> filters_for(const Call& call, const std::set<HoldingKind>& kinds) {
    if (kinds == std::set{HoldingKind::BuildCache})
        return call.filters({"description", "id", "inuse", "parent", "private", "shared", "type",
                             "until", "unused-for"});
    if (kinds == std::set{HoldingKind::Volume}) return call.filters({"all", "label", "label!"});
    if (kinds == std::set{HoldingKind::Image})
        return call.filters({"dangling", "label", "label!", "until"});
    return call.filters({"label", "label!", "until"});
}

Json item_json(const engine::Holding& item) {
    return {{"Type", to_string(item.kind)}, {"ID", item.id}, {"Names", item.names}};
}

Result<engine::Holding> item_of(const Json& json) {
    const auto kind = engine::holding_kind_of(codec::get_string(json, "Type"));
    const auto id = codec::get_string(json, "ID");
    if (!kind || id.empty())
        return fail(ErrorCode::InvalidArgument, "an item of a plan needs Type and ID");
    return engine::Holding{.kind = *kind, .id = id, .names = codec::get_strings(json, "Names")};
}
}  // namespace

Result<> show_prune_plan(Call& call) {
    const auto kinds = TRY(kinds_of(call.request.query.all("type")));
    const auto filters = TRY(filters_for(call, kinds));
    const Timestamp now = call.engine.clock.now();
    const auto until = TRY(until_of(filters, now));
    const auto dangling = TRY(filters.boolean("dangling"));
    const auto all = TRY(filters.boolean("all"));
    engine::PruneRequest request{.kinds = kinds,
                                 .all_images = !dangling.value_or(!call.flag("all-images")),
                                 .all_volumes = all.value_or(call.flag("all-volumes")),
                                 .until = until,
                                 .labels = filters.values("label"),
                                 .without_labels = filters.values("label!"),
                                 .has_labels = {},
                                 .cache = {}};
    request.has_labels = [&](const std::map<std::string, std::string>& labels) {
        return filters.matches_labels("label", labels) && filters.excludes_labels("label!", labels);
    };
    request.cache = {.all = true,
                     .until = request.until,
                     .ids = filters.values("id"),
                     .types = filters.values("type")};
    if (const auto& unused = filters.values("unused-for"); !unused.empty())
        request.cache.until = TRY(parse_time(unused.front(), now));
    const auto plan = TRY(engine::plan_prune(call.engine, request, call.stop()));
    Json items = Json::array();
    for (const auto& item : plan.items) {
        items.push_back(item_json(item));
        items.back()["Size"] = item.own;
    }
    return call.send({{"MadeAt", plan.made_at.time_since_epoch().count()},
                      {"Types", call.request.query.all("type")},
                      {"Items", std::move(items)},
                      {"Shared", plan.shared},
                      {"Unreferenced", plan.unreferenced},
                      {"Total", plan.total()}});
}

Result<> carry_out_prune_plan(Call& call) {
    const std::string body = TRY(call.body(max_plan_bytes));
    const auto json = TRY(codec::parse_json(body));
    engine::PrunePlan plan;
    plan.made_at = timestamp_of(codec::get_int(json, "MadeAt"));
    plan.kinds = TRY(kinds_of(codec::get_strings(json, "Types")));
    if (const Json* items = codec::find_member(json, "Items"); items && items->is_array())
        for (const auto& item : *items) plan.items.push_back(TRY(item_of(item)));
    const auto outcome = TRY(engine::carry_out(call.engine, plan, call.stop()));
    Json removed = Json::array(), left = Json::array();
    for (const auto& item : outcome.removed) removed.push_back(item_json(item));
    for (const auto& [item, why] : outcome.left) {
        left.push_back(item_json(item));
        left.back()["Why"] = why;
    }
    return call.send({{"Removed", std::move(removed)},
                      {"Left", std::move(left)},
                      {"SpaceReclaimed", outcome.bytes}});
}

}  // namespace berth::daemon
