#pragma once
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "base/guarded.h"
#include "network/firewall.h"
#include "network/ipam.h"
#include "network/link_reaper.h"
#include "network/links.h"
#include "network/manager.h"
#include "network/port_reservation.h"
#include "record/database.h"

namespace berth::network {

/// A network with what is handed out of it.
struct LiveNetwork {
    Network network;
    std::optional<AddressPool> v4;
    std::optional<AddressPool> v6;
    /// False while it is being created or removed: nobody may connect.
    bool is_open = true;
    /// Endpoints on their way: the network must not be removed under them.
    int pending = 0;
    /// 0 until the bridge was made or found by this process.
    std::uint32_t bridge_index = 0;
    std::uint32_t mtu = 0;
};

/// Everything in memory, behind one lock. Netlink and the database are used outside of it.
struct Tables {
    std::map<std::string, LiveNetwork> networks;
    /// By container id.
    std::map<std::string, std::vector<Endpoint>> endpoints;
    /// By endpoint id.
    std::map<std::string, std::vector<PortReservation>> reservations;
    /// (protocol, port) -> host address, of every published port.
    std::multimap<std::pair<Protocol, std::uint16_t>, IpAddress> ports;
    /// Interface names of endpoints on their way, by container id.
    std::multimap<std::string, std::string> pending_interfaces;

    /// By name, id, or unambiguous id prefix; nullptr when absent or ambiguous.
    LiveNetwork* find(std::string_view name_or_id);
    std::vector<Endpoint*> endpoints_on(std::string_view network_id);
    std::size_t count_on(std::string_view network_id) const;
    Endpoint* find_endpoint(std::string_view container_id, std::string_view network_id);
    bool is_port_taken(const IpAddress& address, Protocol protocol, std::uint16_t port) const;
    void add_port(const PublishedPort& port);
    void remove_port(const PublishedPort& port);
    /// Gives back what an endpoint holds in memory: addresses, ports, sockets.
    void forget(const Endpoint& endpoint);
    RulesetPlan plan() const;
    /// Containers whose name tables mention this endpoint.
    std::set<std::string> observers_of(const Endpoint& endpoint) const;
};

struct Manager::State {
    record::Database& database;
    Options options;
    std::unique_ptr<Links> links;
    std::unique_ptr<Firewall> firewall;
    std::unique_ptr<LinkReaper> reaper;
    Guarded<Tables> tables;
    /// Held while bridges are made or removed, so that two first connects do not make one twice.
    std::mutex bridges;
    /// Held from a change of port elements to the change of `tables` that says the same, and while
    /// the whole table is compared with `tables`: whoever compares sees both or neither. Taken
    /// before the lock of `tables`.
    std::mutex rules;
    std::function<void(std::span<const std::string>)> listener;

    State(record::Database& d, Options o) : database(d), options(std::move(o)) {}

    Result<> load();
    Result<> add_predefined();
    Result<Network> default_network();
    /// The bridge of a network, ready: (index, mtu). Makes link, sysctls and set elements when
    /// needed.
    Result<std::pair<std::uint32_t, std::uint32_t>> ready_bridge(const std::string& network_id);
    Result<> make_bridge(LiveNetwork& live);
    Result<> move_default_subnet(LiveNetwork& live);
    Result<std::vector<Prefix>> used_subnets();
    /// Elements in or out; rebuilds the table when it is gone.
    Result<> change_rules(std::vector<sys::NftChange> changes);
    Result<> fill_pools(NetworkSpec& spec);
    Result<> take_down(const Network& network);
    void notify(const std::set<std::string>& containers) const;
};

LiveNetwork make_live(Network network);
BridgeRule bridge_rule(const Network& network);
/// One for each family that the endpoint has and the port's address allows.
std::vector<PortRule> port_rules(const Endpoint& endpoint, const PublishedPort& port);
std::vector<std::string> dns_names_of(const Network& network, const Endpoint& endpoint,
                                      std::string_view hostname);
/// Whether a driver option is set to a true value; `fallback` when absent.
bool option_is(const Network& network, const std::string& key, bool fallback);

}  // namespace berth::network
