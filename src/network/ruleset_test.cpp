#include "network/ruleset.h"

#include <gmock/gmock.h>

namespace berth::network {

using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {
std::vector<std::string> sets_of(const std::vector<sys::NftChange>& changes) {
    std::vector<std::string> out;
    for (const auto& change : changes) out.push_back(change.set);
    return out;
}
PortRule rule(const char* host, std::uint16_t host_port, const char* target, std::uint16_t port) {
    return {{{port}, *IpAddress::parse(host), host_port}, *IpAddress::parse(target)};
}
}  // namespace

TEST(Ruleset, ReplacesTheTableInOneText) {
    RulesetPlan plan;
    plan.bridges = {{.bridge = "br0"}, {.bridge = "br1", .internal = true}};
    plan.ports = {rule("0.0.0.0", 8080, "172.17.0.2", 80), rule("::1", 8080, "fd00::2", 80)};
    std::string text = ruleset_text("berth_x", plan);
    EXPECT_THAT(text, StartsWith("table inet berth_x\ndelete table inet berth_x\n"));
    for (const auto& set : ruleset_sets()) EXPECT_THAT(text, HasSubstr(" " + set + " { type"));
    EXPECT_THAT(text, HasSubstr("add element inet berth_x same_bridge { \"br0\" . \"br0\" }\n"));
    EXPECT_THAT(text, HasSubstr("add element inet berth_x internal { \"br1\" }\n"));
    EXPECT_THAT(
        text,
        HasSubstr("add element inet berth_x published_any { tcp . 8080 : 172.17.0.2 . 80 }\n"));
    EXPECT_THAT(
        text,
        HasSubstr("add element inet berth_x published6 { ::1 . tcp . 8080 : fd00::2 . 80 }\n"));
}

TEST(Ruleset, PutsABridgeIntoItsSets) {
    EXPECT_EQ(sets_of(bridge_changes({.bridge = "br0"}, NftKind::Add)),
              (std::vector<std::string>{"bridges", "same_bridge", "masqueraded"}));
    EXPECT_EQ(sets_of(bridge_changes({.bridge = "br0", .internal = true}, NftKind::Add)),
              (std::vector<std::string>{"bridges", "same_bridge", "internal"}));
    EXPECT_EQ(sets_of(bridge_changes({.bridge = "br0", .masquerade = false}, NftKind::Add)),
              (std::vector<std::string>{"bridges", "same_bridge"}));
    EXPECT_EQ(bridge_changes({.bridge = "br0"}, NftKind::Add)[1].elements[0].key.size(), 32u);
}

TEST(Ruleset, WritesPortsAsTheKernelReadsThem) {
    auto any = port_changes(rule("0.0.0.0", 8080, "172.17.0.2", 80), NftKind::Add);
    ASSERT_EQ(any.size(), 1u);
    EXPECT_EQ(any[0].set, "published_any");
    EXPECT_EQ(any[0].elements[0].key, std::string("\x06\0\0\0\x1f\x90\0\0", 8));
    EXPECT_EQ(any[0].elements[0].value, std::string("\xac\x11\0\x02\0\x50\0\0", 8));
    auto one = port_changes(rule("127.0.0.1", 8080, "172.17.0.2", 80), NftKind::Add);
    EXPECT_EQ(one[0].set, "published");
    EXPECT_EQ(one[0].elements[0].key, std::string("\x7f\0\0\x01\x06\0\0\0\x1f\x90\0\0", 12));
    EXPECT_EQ(port_changes(rule("::", 80, "fd00::2", 80), NftKind::Add)[0].set, "published6_any");
}

TEST(Ruleset, MergesAPlanBySet) {
    RulesetPlan plan;
    plan.bridges = {{.bridge = "a"}, {.bridge = "b"}};
    plan.ports = {rule("0.0.0.0", 1, "10.0.0.2", 1), rule("0.0.0.0", 2, "10.0.0.2", 2)};
    auto changes = plan_changes(plan);
    EXPECT_EQ(sets_of(changes),
              (std::vector<std::string>{"bridges", "same_bridge", "masqueraded", "published_any"}));
    for (const auto& change : changes) EXPECT_EQ(change.elements.size(), 2u);
}

}  // namespace berth::network
