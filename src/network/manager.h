#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "network/network.h"
#include "sys/fd.h"

namespace berth::record {
class Database;
struct Schema;
}  // namespace berth::record

namespace berth::network {

/// The tables of this module, for record::Database::open().
const record::Schema& schema();

/// The host's networks and every container's place on them. Works by netlink alone: a bridge per
/// network, a veth pair per endpoint, one nftables table for published ports and isolation. All of
/// it lives in the kernel and goes on without this process; reconcile() compares it with the rows
/// after a restart. Thread-safe. Nothing here blocks for longer than the kernel's own locks.
class Manager {
public:
    struct Options {
        /// Tells engines of one host apart: names the nftables table and the default bridge. Empty
        /// for the engine on the default data root, `instance_of(data_root)` for others.
        std::string instance;
        /// Where subnets come from: (pool, prefix length of each subnet). Empty: Docker's default
        /// pools.
        std::vector<std::pair<Prefix, int>> pools;
        /// The subnet of network "bridge" with the bridge's own address (daemon option "bip").
        std::optional<Prefix> default_bridge_address;
        /// Where ports are published that name no host address (daemon option "ip").
        IpAddress default_host_address;
        /// 0: the MTU of the host's default route.
        int mtu = 0;
        /// Daemon option "ip-forward": switch net.ipv4.ip_forward on when the first bridge is made.
        bool enable_forwarding = true;
        /// Daemon options "icc" and "ip-masq": whether containers on network "bridge" reach each
        /// other, and whether what leaves it gets the host's address.
        bool default_connectivity = true, default_masquerade = true;
    };

    /// A short stable text made of a data root's path; empty for the default one.
    static std::string instance_of(std::string_view data_root);

    /// Loads the rows and adds the predefined networks bridge, host and none. Touches no link yet.
    static Result<std::unique_ptr<Manager>> open(record::Database& database, Options options);
    /// With no container on it, the default network's bridge goes too, and without other networks
    /// the rules.
    ~Manager();

    // --- networks ---

    /// Creates the network and its bridge. AlreadyExists: "network with name X already exists";
    /// InvalidArgument for a bad subnet; Conflict when the subnet overlaps another network;
    /// Unavailable when no pool is free.
    Result<Network> create(NetworkSpec spec);
    /// By name, id, or unambiguous id prefix. NotFound: "network X not found".
    Result<Network> find(std::string_view name_or_id) const;
    std::vector<Network> list() const;
    /// The endpoints alive on a network (id), by container id: the API's Containers map.
    std::vector<Endpoint> endpoints_on(std::string_view network_id) const;
    /// Conflict while endpoints are alive; PermissionDenied for a predefined network. Returns the
    /// removed one.
    Result<Network> remove(std::string_view name_or_id);
    /// Removes networks without endpoints for which `matches` holds; returns what was removed.
    Result<std::vector<Network>> prune(const std::function<bool(const Network&)>& matches,
                                       std::stop_token stop);

    // --- endpoints ---

    /// Puts a running container on a network: link, addresses, routes, published ports, names.
    /// `netns` is the container's network namespace and `netlink` a NETLINK_ROUTE socket that was
    /// opened inside it. Failing leaves nothing behind. Conflict when the container is on this
    /// network already, when the address is taken, or when a port is: "driver failed programming
    /// external connectivity on endpoint web (id): Bind for 0.0.0.0:80 failed: port is already
    /// allocated".
    Result<Endpoint> connect(const EndpointRequest& request, sys::BorrowedFd netns,
                             sys::BorrowedFd netlink);
    /// Takes a running container off one network; its default route moves to another network when
    /// there is one.
    Result<Endpoint> disconnect(std::string_view container_id, std::string_view network,
                                sys::BorrowedFd netlink);
    /// The container has ended and its network namespace with it: frees addresses, ports and names
    /// of all its endpoints. Does nothing for an unknown container.
    Result<std::vector<Endpoint>> release(std::string_view container_id);
    /// The endpoints of one container, the one with the default route first.
    std::vector<Endpoint> endpoints_of(std::string_view container_id) const;
    /// Gives the container's endpoints its new name.
    Result<> rename(std::string_view container_id, std::string_view new_name);
    /// Publishes a further port of a running container, without touching it.
    Result<PublishedPort> publish(std::string_view container_id, const PortRequest& port);
    Result<> unpublish(std::string_view container_id, const PublishedPort& port);

    // --- names ---

    /// The names a container sees: everyone on its user-defined networks, and its links.
    NameTable names_for(std::string_view container_id) const;
    /// `listener(container ids)` runs after a change with those whose names_for() differs now; in
    /// the thread of the verb that changed them, without any lock held. Set it once, before the
    /// first connect().
    void on_names_changed(std::function<void(std::span<const std::string>)> listener);

    // --- the host ---

    /// What `host-gateway` stands for in --add-host: the default bridge's address.
    IpAddress host_gateway() const;
    /// Makes the kernel agree with the rows after a restart, a crash or a flushed ruleset. `live`
    /// are the containers that run: endpoints of others are released; links, table, elements and
    /// addresses that no row names are removed, missing ones are made. Returns one line for each
    /// repair.
    Result<std::vector<std::string>> reconcile(std::span<const std::string> live);
    /// Waits for foreign changes to our nftables table (`nft flush ruleset`, a firewall's reload)
    /// and puts it back. Returns when stopped. Run it in a thread of its own.
    void guard_rules(std::stop_token stop);

private:
    struct State;
    explicit Manager(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace berth::network
