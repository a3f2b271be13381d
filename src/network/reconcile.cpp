#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "base/text.h"
#include "network/rows_internal.h"
#include "network/state_internal.h"
#include "sys/epoll.h"
#include "sys/file.h"

// Rows are the truth; the kernel is made to agree. Each repair is one line of the report.

namespace berth::network {

namespace {
using Repairs = std::vector<std::string>;

// Networks whose creation or removal was interrupted: they go.
Result<> finish_removals(record::Database& database, Guarded<Tables>& tables, Links& links,
                         Repairs& repairs) {
    std::vector<Network> interrupted;
    {
        auto locked = tables.lock();
        for (const auto& [id, live] : locked->networks) {
            if (!live.is_open && live.pending == 0) interrupted.push_back(live.network);
        }
    }
    for (const auto& network : interrupted) {
        TRY(links.delete_bridge(network.bridge));
        TRY(delete_network(database, network.id));
        tables.lock()->networks.erase(network.id);
        repairs.push_back(concat("removed half-made network ", network.spec.name));
    }
    return {};
}

// Links that carry our mark and that no row names.
Result<> sweep_links(Guarded<Tables>& tables, Links& links, Repairs& repairs) {
    std::set<std::string> known;
    {
        auto locked = tables.lock();
        for (const auto& [id, live] : locked->networks) known.insert(live.network.bridge);
        for (const auto& [container, list] : locked->endpoints) {
            for (const auto& endpoint : list) known.insert(endpoint.host_link);
        }
    }
    for (const auto& link : TRY(links.list_own())) {
        if (known.contains(link.name)) continue;
        TRY(links.disconnect(link.name));
        repairs.push_back(concat("removed stale link ", link.name));
    }
    return {};
}

// Before the bridges are looked at, which would put a missing table back without a word.
Result<> check_rules(std::mutex& rules, Guarded<Tables>& tables, Firewall& firewall,
                     Repairs& repairs) {
    std::lock_guard lock(rules);
    RulesetPlan plan = tables.lock()->plan();
    auto differences = TRY(firewall.compare(plan));
    if (differences.empty()) return {};
    TRY(firewall.replace(plan));
    std::move(differences.begin(), differences.end(), std::back_inserter(repairs));
    return {};
}

void reserve_again(Tables& tables) {
    for (const auto& [container, list] : tables.endpoints) {
        for (const auto& endpoint : list) {
            if (endpoint.ports.empty() || tables.reservations.contains(endpoint.id)) continue;
            for (const auto& port : endpoint.ports) {
                auto reserved =
                    reserve_port(port.host_address, port.container.protocol, port.host_port);
                if (!reserved.is_error())
                    tables.reservations[endpoint.id].push_back(std::move(*reserved));
            }
        }
    }
}
}  // namespace

Result<std::vector<std::string>> Manager::reconcile(std::span<const std::string> live) {
    Repairs repairs;
    std::vector<std::string> ended;
    {
        auto locked = state_->tables.lock();
        for (const auto& [container, list] : locked->endpoints) {
            if (std::find(live.begin(), live.end(), container) == live.end())
                ended.push_back(container);
        }
    }
    for (const auto& container : ended) {
        TRY(release(container));
        repairs.push_back(concat("released endpoints of container ", container.substr(0, 12)));
    }
    TRY(finish_removals(state_->database, state_->tables, *state_->links, repairs));
    TRY(sweep_links(state_->tables, *state_->links, repairs));

    // The bridges of user-defined networks, and of any with containers on it, exist from the start.
    std::vector<Network> needed;
    {
        auto locked = state_->tables.lock();
        reserve_again(*locked);
        for (const auto& [id, network] : locked->networks) {
            bool is_used = !network.network.is_predefined() || locked->count_on(id) > 0;
            if (network.network.is_bridge() && network.is_open && is_used)
                needed.push_back(network.network);
        }
    }
    if (needed.empty()) {
        std::lock_guard rules(state_->rules);
        TRY(state_->firewall->remove());
        return repairs;
    }
    TRY(check_rules(state_->rules, state_->tables, *state_->firewall, repairs));
    for (const auto& network : needed) {
        if (!TRY(state_->links->has_link(network.bridge))) {
            repairs.push_back(
                concat("made bridge ", network.bridge, " of network ", network.spec.name));
        }
        // Also puts addresses and sysctls right.
        state_->tables.lock()->networks.at(network.id).bridge_index = 0;
        TRY(state_->ready_bridge(network.id));
    }
    return repairs;
}

void Manager::guard_rules(std::stop_token stop) {
    auto socket = sys::NetlinkSocket::open(NETLINK_NETFILTER);
    auto wake = sys::make_eventfd();
    if (socket.is_error() || wake.is_error() || socket->join(NFNLGRP_NFTABLES).is_error()) {
        log.warn("changes to nftables are not watched, continuing", {});
        return;
    }
    std::stop_callback on_stop(stop, [&] {
        const std::uint64_t one = 1;
        sys::write_all(*wake, std::as_bytes(std::span(&one, 1)))
            .ignore("the counter is far from its limit");
    });
    // Our own deletions look the same as foreign ones; comparing first makes them cost a look and
    // nothing else. What was deleted before we listened is looked for once.
    bool deleted = true;
    for (; !stop.stop_requested(); deleted = false) {
        auto note = [&](const sys::NetlinkMessage& message) {
            deleted |= sys::is_nft_deletion(message, state_->firewall->table());
        };
        auto got = socket->receive(deleted ? 0 : -1, *wake, note);
        if (got.is_error()) return;
        while (*got && !stop.stop_requested()) {
            got = socket->receive(5, *wake, note);
            if (got.is_error()) return;
        }
        if (!deleted) continue;
        std::lock_guard rules(state_->rules);
        RulesetPlan plan;
        bool is_used = false;
        {
            auto locked = state_->tables.lock();
            plan = locked->plan();
            for (const auto& [id, live] : locked->networks) is_used |= live.bridge_index != 0;
        }
        auto differences = state_->firewall->compare(plan);
        if (!is_used || differences.is_error() || differences->empty()) continue;
        auto replaced = state_->firewall->replace(plan);
        log.warn("nftables rules were changed by another program; put back",
                 {{"found", differences->front()},
                  {"error", replaced.is_error() ? replaced.error().message() : ""}});
    }
}

}  // namespace berth::network
