#include "network/address.h"

#include <gtest/gtest.h>

namespace berth::network {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
    for (const char* text :
         {"0.0.0.0", "172.17.0.2", "255.255.255.255", "::", "::1", "fd12:3456::2"}) {
        auto address = IpAddress::parse(text);
        ASSERT_FALSE(address.is_error()) << text;
        EXPECT_EQ(address->to_string(), text);
    }
    EXPECT_EQ(IpAddress::parse("1.2.3.4")->bytes(), std::string("\x01\x02\x03\x04", 4));
}

TEST(IpAddress, RefusesWhatIsNone) {
    for (const char* text :
         {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", "::1%eth0", "[::1]", "host"}) {
        EXPECT_TRUE(IpAddress::parse(text).is_error()) << text;
    }
}

TEST(Prefix, KnowsItsEdges) {
    auto prefix = Prefix::parse("10.1.2.3/20").value();
    EXPECT_EQ(prefix.network().to_string(), "10.1.0.0/20");
    EXPECT_EQ(prefix.last().to_string(), "10.1.15.255");
    EXPECT_EQ(Prefix::parse("0.0.0.0/0")->last().to_string(), "255.255.255.255");
    EXPECT_EQ(Prefix::parse("fd00::/64")->last().to_string(), "fd00::ffff:ffff:ffff:ffff");
}

TEST(Prefix, ComparesSubnets) {
    auto overlap = [](const char* a, const char* b) {
        return Prefix::parse(a)->overlaps(*Prefix::parse(b));
    };
    EXPECT_TRUE(overlap("10.0.0.0/8", "10.9.0.0/24"));
    EXPECT_TRUE(overlap("10.9.0.0/24", "10.0.0.0/8"));
    EXPECT_FALSE(overlap("10.0.0.0/24", "10.0.1.0/24"));
    EXPECT_FALSE(overlap("0.0.0.0/0", "fd00::/8"));
}

TEST(Prefix, RefusesBadLengths) {
    for (const char* text :
         {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "/8", "fd00::/129"}) {
        EXPECT_TRUE(Prefix::parse(text).is_error()) << text;
    }
}

}  // namespace berth::network
