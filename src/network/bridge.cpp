#include <mutex>

#include "base/text.h"
#include "network/rows_internal.h"
#include "network/state_internal.h"
#include "sys/file.h"

// Making bridges. The default network's bridge is made by the first container that needs it, so
// that an engine without containers leaves no trace on the host; those of user-defined networks
// when the network is created.

namespace berth::network {

namespace {
Result<> enable_forwarding(bool v6) {
    auto turn_on = [](const std::string& path) -> Result<> {
        if (auto now = sys::read_file(path, 64); !now.is_error() && trim(*now) == "1") return {};
        return sys::write_file(path, "1").context("enable packet forwarding: ", path);
    };
    TRY(turn_on("/proc/sys/net/ipv4/ip_forward"));
    return v6 ? turn_on("/proc/sys/net/ipv6/conf/all/forwarding") : Result<>();
}

std::uint32_t mtu_option(const Network& network) {
    auto found = network.spec.options.find("com.docker.network.driver.mtu");
    if (found == network.spec.options.end()) return 0;
    return static_cast<std::uint32_t>(parse_uint(found->second).value_or(0));
}
}  // namespace

Result<std::vector<Prefix>> Manager::State::used_subnets() {
    auto used = TRY(links->routed_subnets());
    auto locked = tables.lock();
    for (const auto& [id, live] : locked->networks) {
        for (const auto& pool : live.network.spec.pools) used.push_back(pool.subnet);
    }
    return used;
}

Result<> Manager::State::change_rules(std::vector<sys::NftChange> changes) {
    auto changed = firewall->change(changes);
    if (!changed.is_error() || !changed.error().is(ErrorCode::NotFound)) return changed;
    // The table is not there yet, or somebody flushed the ruleset: put back all of it, then the
    // change.
    RulesetPlan plan = tables.lock()->plan();
    TRY(firewall->replace(plan));
    auto again = firewall->change(std::move(changes));
    // Deleting what the fresh table never had is fine.
    if (again.is_error() && again.error().is(ErrorCode::NotFound)) return {};
    return again;
}

// Another engine, or a VPN, may have taken the subnet since the row was written; nobody uses the
// bridge yet.
Result<> Manager::State::move_default_subnet(LiveNetwork& live) {
    if (options.default_bridge_address || TRY(links->has_link(live.network.bridge))) return {};
    auto routed = TRY(links->routed_subnets());
    const Prefix subnet = live.network.spec.pools.front().subnet;
    bool clashes = false;
    for (const auto& other : routed) clashes |= other.overlaps(subnet);
    if (!clashes) return {};
    for (auto& other : TRY(used_subnets())) routed.push_back(other);
    const auto& pools = options.pools.empty() ? default_pools() : options.pools;
    Pool pool;
    pool.subnet = TRY(choose_subnet(pools, routed));
    live.network.spec.pools = {TRY(complete_pool(std::move(pool)))};
    live = make_live(live.network);
    TRY(database.execute("UPDATE network SET document = ?2 WHERE id = ?1", live.network.id,
                         network_document(live.network)));
    auto locked = tables.lock();
    LiveNetwork& stored = locked->networks.at(live.network.id);
    int pending = stored.pending;
    stored = live;
    stored.pending = pending;
    return {};
}

Result<> Manager::State::make_bridge(LiveNetwork& live) {
    const Network& network = live.network;
    if (options.enable_forwarding) TRY(enable_forwarding(live.v6.has_value()));
    std::uint32_t mtu = mtu_option(network);
    if (mtu == 0) mtu = static_cast<std::uint32_t>(options.mtu);
    if (mtu == 0) mtu = TRY(links->route_mtu());
    Links::BridgePlan plan{network.bridge, network.id, {}, mtu, live.v6.has_value()};
    for (const auto& pool : network.spec.pools)
        plan.addresses.push_back({*pool.gateway, pool.subnet.length});
    live.bridge_index = TRY(links->ensure_bridge(plan).context("network ", network.spec.name));
    live.mtu = mtu;
    return change_rules(bridge_changes(bridge_rule(network), NftKind::Add))
        .context("network ", network.spec.name);
}

Result<std::pair<std::uint32_t, std::uint32_t>> Manager::State::ready_bridge(
    const std::string& network_id) {
    std::lock_guard making(bridges);
    std::optional<LiveNetwork> copy;
    {
        auto locked = tables.lock();
        auto found = locked->networks.find(network_id);
        if (found == locked->networks.end())
            return fail(ErrorCode::NotFound, "network ", network_id, " not found");
        const LiveNetwork& live = found->second;
        if (live.bridge_index != 0) return std::pair(live.bridge_index, live.mtu);
        copy = live;
    }
    if (copy->network.spec.name == "bridge") TRY(move_default_subnet(*copy));
    TRY(make_bridge(*copy));
    auto locked = tables.lock();
    LiveNetwork& live = locked->networks.at(network_id);
    live.bridge_index = copy->bridge_index;
    live.mtu = copy->mtu;
    return std::pair(live.bridge_index, live.mtu);
}

Result<> Manager::State::take_down(const Network& network) {
    std::lock_guard making(bridges);
    auto removed = firewall->change(bridge_changes(bridge_rule(network), NftKind::Delete));
    if (removed.is_error() && !removed.error().is(ErrorCode::NotFound)) return removed;
    return links->delete_bridge(network.bridge).context("network ", network.spec.name);
}

}  // namespace berth::network
