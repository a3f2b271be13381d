#include "network/ruleset.h"

#include <algorithm>

#include "base/text.h"

// How a packet finds its way:
//
//   outside -> host:8080     `publish` in prerouting rewrites the destination to container:80;
//                            forwarding is allowed because the connection was rewritten,
//                            everything else towards a bridge is dropped.
//   host -> 127.0.0.1:8080   the same chain in output. The packet leaves with a loopback source
//                            address, which no container could answer, so postrouting gives it the
//                            bridge's address. The answer comes in by the bridge with a loopback
//                            destination once translated back: the bridge link has route_localnet
//                            set. `guard` keeps containers and neighbours from using that to reach
//                            the host's own loopback services.
//   container -> host:8080   hairpin: rewritten to a container of maybe the same bridge, which
//                            would answer directly and past the translation; so the source becomes
//                            the bridge's address too. Where br_netfilter is on, such a packet
//                            never leaves the bridge: it is rewritten as a frame and has no input
//                            interface (`iif 0`), like those of the host's own programs.
//   container -> outside     masqueraded unless the network says otherwise.
//
// Rejected: a chain or rule for each network (a rule costs a parse and a rebuild of its chain, an
// element is one hash insert), interval sets of subnets (they need the bridges anyway), and a proxy
// process for loopback (Docker's way).

namespace berth::network {

namespace {
constexpr std::string_view rules = R"(
    set bridges { type ifname; }
    set same_bridge { type ifname . ifname; }
    set masqueraded { type ifname; }
    set internal { type ifname; }
    map published { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
    map published_any { type inet_proto . inet_service : ipv4_addr . inet_service; }
    map published6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
    map published6_any { type inet_proto . inet_service : ipv6_addr . inet_service; }

    chain guard {
        type filter hook prerouting priority -300; policy accept;
        ip daddr 127.0.0.0/8 iifname != "lo" drop
    }
    chain publish_in {
        type nat hook prerouting priority -100; policy accept;
        meta l4proto { tcp, udp, sctp } fib daddr type local jump publish
    }
    chain publish_out {
        type nat hook output priority -100; policy accept;
        meta l4proto { tcp, udp, sctp } fib daddr type local jump publish
    }
    chain publish {
        dnat ip to ip daddr . meta l4proto . th dport map @published
        dnat ip to meta l4proto . th dport map @published_any
        dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6
        dnat ip6 to meta l4proto . th dport map @published6_any
    }
    chain source {
        type nat hook postrouting priority 100; policy accept;
        oifname @bridges ct status dnat iifname @bridges masquerade
        oifname @bridges ct status dnat iif 0 masquerade
        oifname != @bridges iifname @masqueraded masquerade
    }
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname @bridges tcp flags syn / syn,rst tcp option maxseg size set rt mtu
        oifname @bridges tcp flags syn / syn,rst tcp option maxseg size set rt mtu
        iifname . oifname @same_bridge accept
        iifname @internal drop
        oifname @internal drop
        oifname @bridges ct state established,related accept
        oifname @bridges ct status dnat accept
        oifname @bridges drop
    }
)";

std::string protocol_field(Protocol protocol) {
    const char byte = static_cast<char>(protocol);
    return sys::nft_field({&byte, 1});
}

std::string port_set(const PortRule& rule) {
    return concat(rule.target.is_v4() ? "published" : "published6",
                  rule.port.host_address.is_wildcard() ? "_any" : "");
}
}  // namespace

std::string ruleset_text(std::string_view table, const RulesetPlan& plan) {
    // The first line makes the second one succeed when there is no such table yet.
    std::string out = concat("table inet ", table, "\ndelete table inet ", table, "\ntable inet ",
                             table, " {", rules, "}\n");
    auto add = [&](std::string_view set, const auto&... element) {
        out += concat("add element inet ", table, ' ', set, " { ", element..., " }\n");
    };
    for (const auto& rule : plan.bridges) {
        add("bridges", '"', rule.bridge, '"');
        add("same_bridge", '"', rule.bridge, "\" . \"", rule.bridge, '"');
        if (rule.masquerade && !rule.internal) add("masqueraded", '"', rule.bridge, '"');
        if (rule.internal) add("internal", '"', rule.bridge, '"');
    }
    for (const auto& rule : plan.ports) {
        const IpAddress& host = rule.port.host_address;
        std::string key =
            concat(to_string(rule.port.container.protocol), " . ", rule.port.host_port);
        if (!host.is_wildcard()) key = concat(host.to_string(), " . ", key);
        add(port_set(rule), key, " : ", rule.target.to_string(), " . ", rule.port.container.number);
    }
    return out;
}

std::size_t ruleset_rule_count() {
    // A rule is a line with a verdict or a statement; everything else in the text is a declaration
    // or a brace.
    std::size_t count = 0;
    for (const auto& line : split(rules, '\n')) {
        std::string_view text = trim(line);
        bool declares = text.empty() || text == "}" || text.ends_with('{') ||
                        text.starts_with("type ") || text.starts_with("set ") ||
                        text.starts_with("map ");
        if (!declares) ++count;
    }
    return count;
}

const std::vector<std::string>& ruleset_sets() {
    static const std::vector<std::string> names = {"bridges",    "same_bridge",   "masqueraded",
                                                   "internal",   "published",     "published_any",
                                                   "published6", "published6_any"};
    return names;
}

std::vector<sys::NftChange> bridge_changes(const BridgeRule& rule, NftKind kind) {
    std::string field = sys::nft_interface_field(rule.bridge);
    std::vector<sys::NftChange> out;
    auto add = [&](std::string set, std::string key) {
        out.push_back({kind, std::move(set), {{std::move(key), {}}}});
    };
    add("bridges", field);
    add("same_bridge", field + field);
    if (rule.masquerade && !rule.internal) add("masqueraded", field);
    if (rule.internal) add("internal", field);
    return out;
}

std::vector<sys::NftChange> port_changes(const PortRule& rule, NftKind kind) {
    const IpAddress& host = rule.port.host_address;
    std::string key =
        protocol_field(rule.port.container.protocol) + sys::nft_port_field(rule.port.host_port);
    if (!host.is_wildcard()) key = sys::nft_field(host.bytes()) + key;
    std::string value =
        sys::nft_field(rule.target.bytes()) + sys::nft_port_field(rule.port.container.number);
    return {{kind, port_set(rule), {{std::move(key), std::move(value)}}}};
}

std::vector<sys::NftChange> merge_changes(std::vector<sys::NftChange> changes) {
    std::vector<sys::NftChange> out;
    for (auto& change : changes) {
        auto same = std::find_if(out.begin(), out.end(), [&](const auto& other) {
            return other.kind == change.kind && other.set == change.set;
        });
        if (same == out.end()) {
            out.push_back(std::move(change));
        } else {
            std::move(change.elements.begin(), change.elements.end(),
                      std::back_inserter(same->elements));
        }
    }
    return out;
}

std::vector<sys::NftChange> plan_changes(const RulesetPlan& plan) {
    std::vector<sys::NftChange> all;
    auto append = [&](std::vector<sys::NftChange> part) {
        std::move(part.begin(), part.end(), std::back_inserter(all));
    };
    for (const auto& bridge : plan.bridges) append(bridge_changes(bridge, NftKind::Add));
    for (const auto& port : plan.ports) append(port_changes(port, NftKind::Add));
    return merge_changes(std::move(all));
}

}  // namespace berth::network
