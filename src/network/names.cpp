#include <algorithm>

#include "base/text.h"
#include "network/rows_internal.h"
#include "network/state_internal.h"

namespace berth::network {

namespace {
void add_name(std::vector<Name>& out, std::string name, const Endpoint& endpoint) {
    out.push_back({name, endpoint.address.address});
    if (endpoint.address_v6) out.push_back({std::move(name), endpoint.address_v6->address});
}

void add_everyone(NameTable& out, const Endpoint& neighbour) {
    if (neighbour.dns_names.empty()) return;
    for (const auto& name : neighbour.dns_names) {
        add_name(out.forward, name, neighbour);
        add_name(out.forward, concat(name, '.', neighbour.network_name), neighbour);
    }
    add_name(out.reverse, concat(neighbour.dns_names.front(), '.', neighbour.network_name),
             neighbour);
}

void add_links(NameTable& out, Tables& tables, const Endpoint& self) {
    for (const auto& [container, alias] : self.links) {
        const Endpoint* target = tables.find_endpoint(container, self.network_id);
        if (!target) continue;
        add_name(out.forward, alias, *target);
        add_name(out.forward, target->container_name, *target);
        add_name(out.forward, target->container_id.substr(0, 12), *target);
    }
}

void sort_unique(std::vector<Name>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}
}  // namespace

NameTable Manager::names_for(std::string_view container_id) const {
    NameTable out;
    auto locked = state_->tables.lock();
    auto found = locked->endpoints.find(std::string(container_id));
    if (found == locked->endpoints.end()) return out;
    bool has_way_out = false;
    for (const auto& self : found->second) {
        auto network = locked->networks.find(self.network_id);
        has_way_out |= network != locked->networks.end() && !network->second.network.spec.internal;
        for (const Endpoint* neighbour : locked->endpoints_on(self.network_id))
            add_everyone(out, *neighbour);
        add_links(out, *locked, self);
    }
    // A container on internal networks alone has no business with the outside's names, as in
    // Docker.
    out.forward_upstream = has_way_out;
    sort_unique(out.forward);
    sort_unique(out.reverse);
    return out;
}

Result<> Manager::rename(std::string_view container_id, std::string_view new_name) {
    std::vector<Endpoint> changed;
    std::set<std::string> observers;
    {
        auto locked = state_->tables.lock();
        auto found = locked->endpoints.find(std::string(container_id));
        if (found == locked->endpoints.end()) return {};
        for (auto& endpoint : found->second) {
            std::replace(endpoint.dns_names.begin(), endpoint.dns_names.end(),
                         endpoint.container_name, std::string(new_name));
            endpoint.container_name = new_name;
            observers.merge(locked->observers_of(endpoint));
        }
        changed = found->second;
    }
    TRY(store_endpoints(state_->database, changed));
    state_->notify(observers);
    return {};
}

}  // namespace berth::network
