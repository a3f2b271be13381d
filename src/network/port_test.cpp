#include "network/port.h"

#include <gtest/gtest.h>

namespace berth::network {

TEST(ContainerPort, ReadsTheApisKeys) {
    EXPECT_EQ(ContainerPort::parse("80")->to_string(), "80/tcp");
    EXPECT_EQ(ContainerPort::parse("53/UDP")->to_string(), "53/udp");
    for (const char* text :
         {"", "0/tcp", "65536/tcp", "80/icmp", "80/", "-1", "8 0", "80/tcp/udp"}) {
        EXPECT_TRUE(ContainerPort::parse(text).is_error()) << text;
    }
}

TEST(PortRequest, ReadsBindings) {
    auto fixed = PortRequest::parse("80/tcp", "127.0.0.1", "8080").value();
    EXPECT_EQ(fixed.host_first, 8080);
    EXPECT_EQ(fixed.host_last, 8080);
    EXPECT_TRUE(fixed.host_address.is_loopback());
    auto any = PortRequest::parse("80/tcp", "", "").value();
    EXPECT_TRUE(any.is_everywhere);
    EXPECT_FALSE(fixed.is_everywhere);
    EXPECT_EQ(any.host_first, 0);
    EXPECT_TRUE(any.host_address.is_wildcard());
    auto range = PortRequest::parse("80", "0.0.0.0", "8000-8010").value();
    EXPECT_EQ(range.host_first, 8000);
    EXPECT_EQ(range.host_last, 8010);
    EXPECT_FALSE(PortRequest::parse("80", "[::1]", "80")->host_address.is_v4());
    EXPECT_TRUE(PortRequest::parse("80", "", "9-8").is_error());
    EXPECT_TRUE(PortRequest::parse("80", "localhost", "8").is_error());
    EXPECT_TRUE(PortRequest::parse("80", "", "70000").is_error());
}

TEST(PublishedPort, WritesHostSide) {
    EXPECT_EQ((PublishedPort{{80}, IpAddress{}, 8080}).host_text(), "0.0.0.0:8080");
    EXPECT_EQ((PublishedPort{{80}, *IpAddress::parse("::1"), 8080}).host_text(), "[::1]:8080");
}

}  // namespace berth::network
