#include "network/ipam.h"

#include <gtest/gtest.h>

namespace berth::network {

namespace {
Pool pool(const char* subnet) {
    Pool out;
    out.subnet = Prefix::parse(subnet).value();
    return complete_pool(std::move(out)).value();
}
IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
}  // namespace

TEST(AddressPool, GoesRoundBeforeItReusesAnAddress) {
    AddressPool addresses(pool("10.0.0.0/29"));
    EXPECT_EQ(addresses.take_next()->to_string(), "10.0.0.2");
    addresses.give_back(ip("10.0.0.2"));
    EXPECT_EQ(addresses.take_next()->to_string(), "10.0.0.3");
    for (const char* expected : {"10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2"}) {
        EXPECT_EQ(addresses.take_next()->to_string(), expected);
    }
    auto full = addresses.take_next();
    ASSERT_TRUE(full.is_error());
    EXPECT_EQ(full.error().code(), ErrorCode::Unavailable);
    addresses.give_back(ip("10.0.0.4"));
    EXPECT_EQ(addresses.take_next()->to_string(), "10.0.0.4");
}

TEST(AddressPool, NeverHandsOutWhatIsReserved) {
    Pool with_extras = pool("10.0.0.0/29");
    with_extras.auxiliary.emplace("router", ip("10.0.0.2"));
    AddressPool addresses(with_extras);
    EXPECT_EQ(addresses.take_next()->to_string(), "10.0.0.3");
    for (const char* text : {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.7"}) {
        EXPECT_EQ(addresses.take(ip(text)).error().code(), ErrorCode::Conflict) << text;
    }
    EXPECT_EQ(addresses.take(ip("10.0.1.1")).error().code(), ErrorCode::InvalidArgument);
    EXPECT_FALSE(addresses.take(ip("10.0.0.6")).is_error());
    EXPECT_TRUE(addresses.take(ip("10.0.0.6")).is_error());
}

TEST(AddressPool, StaysInItsRange) {
    Pool ranged = pool("10.0.0.0/16");
    ranged.range = Prefix::parse("10.0.5.0/30").value();
    AddressPool addresses(ranged);
    for (const char* expected : {"10.0.5.0", "10.0.5.1", "10.0.5.2", "10.0.5.3"}) {
        EXPECT_EQ(addresses.take_next()->to_string(), expected);
    }
    EXPECT_TRUE(addresses.take_next().is_error());
    EXPECT_FALSE(addresses.take(ip("10.0.9.9")).is_error());
}

TEST(AddressPool, GoesOnAfterTheHighestRestoredAddress) {
    AddressPool addresses(pool("10.0.0.0/24"));
    addresses.restore(ip("10.0.0.9"));
    addresses.restore(ip("10.0.0.4"));
    EXPECT_EQ(addresses.take_next()->to_string(), "10.0.0.10");
}

TEST(AddressPool, WorksInIpv6) {
    AddressPool addresses(pool("fd00::/64"));
    EXPECT_EQ(addresses.take_next()->to_string(), "fd00::2");
    EXPECT_EQ(addresses.take_next()->to_string(), "fd00::3");
}

TEST(ChooseSubnet, SkipsWhatIsUsed) {
    auto pools = default_pools();
    auto choose = [&](std::vector<const char*> used_texts) {
        std::vector<Prefix> used;
        for (const char* text : used_texts) used.push_back(*Prefix::parse(text));
        return choose_subnet(pools, used);
    };
    EXPECT_EQ(choose({})->to_string(), "172.17.0.0/16");
    EXPECT_EQ(choose({"172.17.3.0/24", "172.18.0.0/16"})->to_string(), "172.19.0.0/16");
    EXPECT_EQ(choose({"172.16.0.0/12"})->to_string(), "192.168.0.0/20");
    EXPECT_EQ(choose({"172.16.0.0/12", "192.168.0.0/17"})->to_string(), "192.168.128.0/20");
    EXPECT_EQ(choose({"0.0.0.0/0"}).error().code(), ErrorCode::Unavailable);
}

TEST(CompletePool, ChecksWhatTheUserWrote) {
    EXPECT_EQ(pool("10.1.2.3/24").subnet.to_string(), "10.1.2.0/24");
    EXPECT_EQ(pool("10.1.2.3/24").gateway->to_string(), "10.1.2.1");
    Pool bad = pool("10.0.0.0/24");
    bad.gateway = ip("10.0.1.1");
    EXPECT_TRUE(complete_pool(bad).is_error());
    bad = pool("10.0.0.0/24");
    bad.range = Prefix::parse("10.0.0.0/16").value();
    EXPECT_TRUE(complete_pool(bad).is_error());
    bad = pool("10.0.0.0/24");
    bad.auxiliary.emplace("x", ip("10.9.9.9"));
    EXPECT_TRUE(complete_pool(bad).is_error());
    Pool tiny;
    tiny.subnet = Prefix::parse("10.0.0.0/31").value();
    EXPECT_TRUE(complete_pool(tiny).is_error());
}

TEST(Mac, ComesFromTheAddress) {
    EXPECT_EQ(mac_for(ip("172.17.0.2")), "02:42:ac:11:00:02");
    EXPECT_EQ(parse_mac("02:42:ac:11:00:ff")->size(), 6u);
    for (const char* text :
         {"", "02:42:ac:11:00", "02:42:ac:11:00:02:03", "01:42:ac:11:00:02", "zz:42:ac:11:00:02"}) {
        EXPECT_TRUE(parse_mac(text).is_error()) << text;
    }
}

}  // namespace berth::network
