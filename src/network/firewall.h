#pragma once
#include <string>
#include <vector>

#include "base/guarded.h"
#include "network/ruleset.h"

namespace berth::network {

/// Our nftables table in the kernel. Thread-safe.
class Firewall {
public:
    /// Opens the netlink socket; makes nothing yet.
    static Result<std::unique_ptr<Firewall>> open(std::string table);

    /// Replaces the whole table by this plan in one transaction: no packet meets half of it.
    /// Connections that are established go on.
    Result<> replace(const RulesetPlan& plan);
    /// What differs between the kernel's table and the plan, one line each; empty when they agree.
    Result<std::vector<std::string>> compare(const RulesetPlan& plan);
    /// Adds or deletes elements. NotFound when the table is gone: then replace() is due.
    Result<> change(std::vector<sys::NftChange> changes);
    /// Makes the kernel forget the UDP flows towards these ports of the host.
    Result<> forget_udp_flows(const std::vector<std::uint16_t>& ports);
    /// Removes the table.
    Result<> remove();
    const std::string& table() const { return table_; }

private:
    Firewall(std::string table, sys::NetlinkSocket socket)
        : table_(std::move(table)), socket_(std::move(socket)) {}

    std::string table_;
    // The lock is the socket's: a conversation must not be mixed with another one.
    Guarded<sys::NetlinkSocket> socket_;
};

}  // namespace berth::network
