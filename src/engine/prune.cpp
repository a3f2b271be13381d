#include "engine/prune.h"

#include <algorithm>
#include <atomic>

#include "container/containers.h"
#include "content/store.h"
#include "engine/engine.h"
#include "image/store.h"
#include "network/manager.h"
#include "record/event_log.h"
#include "volume/store.h"

namespace berth::engine {

std::int64_t PrunePlan::total() const {
    std::int64_t total = shared + unreferenced;
    for (const auto& item : items) total += item.own;
    return total;
}

namespace {

/// A plan being made: each step adds the items of one kind.
class Planner {
public:
    Planner(Engine& engine, const PruneRequest& request, const std::stop_token& stop)
        : engine_(engine), request_(request), stop_(stop) {}

    Result<PrunePlan> plan() && {
        plan_.made_at = engine_.clock.now();
        plan_.kinds = request_.kinds;
        if (wants(HoldingKind::Container)) TRY(add_containers());
        if (wants(HoldingKind::Network)) add_networks();
        if (wants(HoldingKind::Volume)) TRY(add_volumes());
        if (wants(HoldingKind::Image) || wants(HoldingKind::BuildCache)) TRY(add_content());
        return std::move(plan_);
    }

private:
    bool wants(HoldingKind kind) const { return request_.kinds.contains(kind); }
    bool has_labels(const std::map<std::string, std::string>& labels) const {
        return !request_.has_labels || request_.has_labels(labels);
    }
    bool is_old(Timestamp created) const { return !request_.until || created < *request_.until; }
    /// Whether all of these containers go with this plan.
    bool all_go(const std::vector<std::string>& containers) const {
        return std::ranges::all_of(containers, [&](const auto& id) { return gone_.contains(id); });
    }
    void add(HoldingKind kind, std::string id, std::vector<std::string> names,
             std::int64_t bytes = 0) {
        plan_.items.push_back({kind, std::move(id), std::move(names), bytes, bytes});
    }

    Result<> add_containers() {
        for (const auto& view : TRY(engine_.containers.list({.all = true}))) {
            if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            if (is_alive(view.state.status) || view.state.status == container::Status::Removing)
                continue;
            if (!has_labels(view.spec.labels) || !is_old(view.created_at)) continue;
            const auto bytes = engine_.containers.disk_usage(view.id);
            if (!bytes) continue;  // removed meanwhile
            add(HoldingKind::Container, view.id, {view.name}, *bytes);
            gone_.insert(view.id);
        }
        return {};
    }

    void add_networks() {
        for (const auto& network : engine_.networks.list()) {
            if (network.is_predefined() || !has_labels(network.spec.labels) ||
                !is_old(network.created) || !engine_.networks.endpoints_on(network.id).empty())
                continue;
            add(HoldingKind::Network, network.id, {network.spec.name});
        }
    }

    Result<> add_volumes() {
        for (const auto& volume : engine_.volumes.list()) {
            if (!(request_.all_volumes || volume.anonymous) || !has_labels(volume.labels) ||
                !all_go(engine_.volumes.users(volume.name)))
                continue;
            const auto bytes = engine_.volumes.disk_usage(volume.name, stop_);
            if (bytes)
                add(HoldingKind::Volume, volume.id, {volume.name},
                    static_cast<std::int64_t>(*bytes));
        }
        return {};
    }

    Result<> add_content() {
        std::set<std::string> ids;
        const auto holders = TRY(PieceHolders::read(engine_));
        const auto add_holder = [&](HoldingKind kind, std::string id,
                                    std::vector<std::string> names) {
            ids.insert(id);
            plan_.items.push_back(
                holders.measured({.kind = kind, .id = std::move(id), .names = std::move(names)}));
            plan_.shared -= plan_.items.back().own;
        };
        if (wants(HoldingKind::Image)) {
            image::ListFilter filter{.labels = request_.labels,
                                     .without_labels = request_.without_labels,
                                     .until = request_.until};
            if (!request_.all_images) filter.dangling = true;
            for (const auto& image : TRY(engine_.images.list(filter))) {
                const auto found = holders.inventory().images.find(image.id);
                if (found == holders.inventory().images.end()) continue;
                if (TRY(engine_.images.is_pinned(image.id))) continue;
                const std::string id = image.id.to_string();
                if (all_go(engine_.containers.using_image(id)))
                    add_holder(HoldingKind::Image, id, found->second.names);
            }
        }
        build::CacheSelection cache;
        if (wants(HoldingKind::BuildCache)) cache = TRY(engine_.builder.select(request_.cache));
        for (const auto& record : cache.records) {
            if (record.type == "exec.cachemount")
                add(HoldingKind::BuildCache, record.id, {record.description}, record.bytes);
            else
                add_holder(HoldingKind::BuildCache, record.id, {record.description});
        }
        plan_.shared += holders.bytes_of(ids);
        plan_.unreferenced = holders.unreferenced_bytes();
        for (const auto& log : cache.logs) add(HoldingKind::BuildLog, log.id, {}, log.bytes);
        if (!wants(HoldingKind::Image)) return {};
        for (const auto& idle : TRY(engine_.content.idle_ingests()))
            add(HoldingKind::Download, idle.name, {}, static_cast<std::int64_t>(idle.disk_bytes));
        return {};
    }

    Engine& engine_;
    const PruneRequest& request_;
    const std::stop_token& stop_;
    PrunePlan plan_;
    std::set<std::string> gone_;  // containers
};

std::string name_of(const Holding& item) {
    return item.names.empty() ? std::string() : item.names.front();
}

/// Removes one item of the plan; returns the bytes that came back at once.
Result<std::int64_t> remove_item(Engine& engine, const Holding& item, Timestamp since,
                                 const std::stop_token& stop) {
    switch (item.kind) {
        case HoldingKind::Container:
            return engine.containers.remove_unchanged(item.id, name_of(item), since, stop);
        case HoldingKind::Network: {
            for (const auto& endpoint : engine.networks.endpoints_on(item.id))
                return fail(ErrorCode::Conflict, "container ", endpoint.container_name,
                            " is in it");
            const auto network = TRY(engine.networks.remove(item.id));
            engine.events.append({"network",
                                  "destroy",
                                  network.id,
                                  {{"name", network.spec.name}, {"type", network.spec.driver}}});
            return 0;
        }
        case HoldingKind::Volume: {
            const auto volume = TRY(engine.volumes.find(name_of(item)));
            const auto bytes = engine.volumes.disk_usage(volume.name, stop).value_or(0);
            TRY(engine.volumes.remove_unchanged(item.id, volume.name, since));
            engine.events.append({"volume", "destroy", volume.name, {{"driver", volume.driver}}});
            return static_cast<std::int64_t>(bytes);
        }
        case HoldingKind::Image:
            TRY(engine.images.remove_unchanged(TRY(oci::Digest::parse(item.id)), item.names,
                                               since));
            return 0;
        case HoldingKind::BuildLog: return engine.builder.remove_log(item.id);
        case HoldingKind::Download:
            return static_cast<std::int64_t>(TRY(engine.content.remove_idle_ingest(item.id)));
        case HoldingKind::BuildCache: break;  // all of them together
    }
    return fail(ErrorCode::InvalidArgument, "a prune does not remove this");
}

}  // namespace

Result<PrunePlan> plan_prune(Engine& engine, const PruneRequest& request,
                             const std::stop_token& stop) {
    return Planner(engine, request, stop).plan();
}

Result<PruneOutcome> carry_out(Engine& engine, const PrunePlan& plan, const std::stop_token& stop) {
    static std::atomic<bool> pruning{false};
    const auto guard = TRY(PruneGuard::acquire(pruning));
    if (plan.made_at < engine.started_at)
        return fail(ErrorCode::Conflict, "the engine was started after this plan was made")
            .with_hint("make the plan again");
    PruneOutcome out;
    std::map<HoldingKind, std::int64_t> bytes;
    std::map<std::string, const Holding*> records;
    // Containers first: what they use is free then.
    for (const auto& item : plan.items) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        if (item.kind == HoldingKind::BuildCache) {
            records.emplace(item.id, &item);
            continue;
        }
        auto removed = remove_item(engine, item, plan.made_at, stop);
        if (removed) {
            out.bytes += *removed;
            bytes[item.kind] += *removed;
            out.removed.push_back(item);
        } else if (removed.error().is(ErrorCode::Conflict) ||
                   removed.error().is(ErrorCode::NotFound)) {
            out.left.push_back({item, removed.error().message()});
        } else {
            return std::move(removed).error();
        }
    }
    if (!records.empty()) {
        std::set<std::string> ids;
        for (const auto& [id, item] : records) ids.insert(id);
        auto pruned = TRY(engine.builder.remove_records(ids, plan.made_at));
        for (auto& left : pruned.left) {
            out.left.push_back({*records.at(left.id), std::move(left.why)});
            records.erase(left.id);
        }
        out.bytes += pruned.mount_bytes;
        for (const auto& [id, item] : records) out.removed.push_back(*item);
    }
    if (plan.kinds.contains(HoldingKind::Image) || plan.kinds.contains(HoldingKind::BuildCache))
        out.bytes += TRY(engine.images.collect_garbage(stop));
    for (const auto kind : {HoldingKind::Network, HoldingKind::Volume})
        if (plan.kinds.contains(kind))
            engine.events.append({std::string(to_string(kind)),
                                  "prune",
                                  "",
                                  {{"reclaimed", std::to_string(bytes[kind])}}});
    return out;
}

}  // namespace berth::engine
