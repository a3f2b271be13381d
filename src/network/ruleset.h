#pragma once
#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "network/network.h"
#include "sys/nftables.h"

namespace berth::network {

// What the nftables table should hold, as values. The rules never change: they look everything up
// in sets and maps, so that a network or a published port is an element and nothing else.

/// One bridge as the rules see it.
struct BridgeRule {
    std::string bridge;
    /// Traffic leaving the host carries the host's address.
    bool masquerade = true;
    /// Neither in nor out.
    bool internal = false;
    auto operator<=>(const BridgeRule&) const = default;
};

/// One published port: packets to `host` go to `target`:`port.container`. `target` is of the host
/// address's family.
struct PortRule {
    PublishedPort port;
    IpAddress target;
    auto operator<=>(const PortRule&) const = default;
};

struct RulesetPlan {
    std::vector<BridgeRule> bridges;
    std::vector<PortRule> ports;
};

/// The table with its sets, maps, chains, rules and elements as text for libnftables, which carries
/// it out in one transaction. Replaces what the table of this name held before.
std::string ruleset_text(std::string_view table, const RulesetPlan& plan);
/// The number of rules in that text, to notice flushed chains.
std::size_t ruleset_rule_count();
/// The names of its sets and maps.
const std::vector<std::string>& ruleset_sets();

using NftKind = sys::NftChange::Kind;
/// The elements that one bridge, or one published port, puts into the sets.
std::vector<sys::NftChange> bridge_changes(const BridgeRule& rule, NftKind kind);
std::vector<sys::NftChange> port_changes(const PortRule& rule, NftKind kind);
/// All elements of a plan, merged by set.
std::vector<sys::NftChange> plan_changes(const RulesetPlan& plan);
/// Changes of one kind and set joined, in the order of their first appearance.
std::vector<sys::NftChange> merge_changes(std::vector<sys::NftChange> changes);

}  // namespace berth::network
