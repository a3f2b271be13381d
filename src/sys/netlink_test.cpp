#include "sys/netlink.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include "sys/netlink_route.h"
#include "sys/nftables.h"

namespace berth::sys {

TEST(NetlinkBatch, WritesWhatTheParserReads) {
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_CREATE, ifinfomsg{.ifi_index = 7}, "first");
    batch.put_text(IFLA_IFNAME, "eth0");
    {
        auto info = batch.nest(IFLA_LINKINFO);
        batch.put_text(IFLA_INFO_KIND, "veth");
    }
    batch.put_u32(IFLA_MTU, 1400);
    batch.begin(RTM_DELLINK, 0, ifinfomsg{}, "second");
    bool complete = false;
    auto messages = parse_netlink_messages(batch.finish(41), &complete);
    ASSERT_TRUE(complete);
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].sequence, 41u);
    EXPECT_EQ(messages[1].sequence, 42u);
    EXPECT_EQ(messages[1].type, RTM_DELLINK);
    EXPECT_EQ(batch.what(1), "second");
    auto link = parse_link(messages[0]);
    ASSERT_TRUE(link.has_value());
    EXPECT_EQ(link->index, 7u);
    EXPECT_EQ(link->name, "eth0");
    EXPECT_EQ(link->kind, "veth");
    EXPECT_EQ(link->mtu, 1400u);
}

TEST(NetlinkParser, StopsAtDamage) {
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, 0, ifinfomsg{}, "one");
    std::string bytes(batch.finish(1));
    bool complete = true;
    EXPECT_TRUE(
        parse_netlink_messages(std::string_view(bytes).substr(0, bytes.size() - 1), &complete)
            .empty());
    EXPECT_FALSE(complete);
    bytes[0] = 3;  // shorter than its own header
    EXPECT_TRUE(parse_netlink_messages(bytes, &complete).empty());
    EXPECT_FALSE(complete);
    EXPECT_TRUE(parse_netlink_attributes(std::string("\xff\xff\x01\x00", 4)).empty());
    EXPECT_TRUE(parse_netlink_attributes(std::string("\x02\x00\x01\x00", 4)).empty());
}

TEST(NftFields, ArePadded) {
    EXPECT_EQ(nft_port_field(8080), std::string("\x1f\x90\0\0", 4));
    EXPECT_EQ(nft_field("abcd"), "abcd");
    EXPECT_EQ(nft_interface_field("br0").size(), 16u);
}

}  // namespace berth::sys
