#include "sys/cgroup.h"

#include <gtest/gtest.h>

#include "sys/capability.h"
#include "sys/signal.h"

namespace berth::sys {
namespace {

TEST(CgroupLayout, KnowsV1HybridAndV2) {
    const auto hybrid = parse_cgroup_layout(
        "1 2 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "3 1 0:2 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "4 1 0:3 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "5 1 0:4 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
        "6 1 0:5 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "7 1 0:3 / /elsewhere/memory rw - cgroup cgroup rw,memory\n");
    ASSERT_EQ(hybrid.hierarchies.size(), 4U);
    EXPECT_EQ(hybrid.hierarchies[0].name(), "cpu,cpuacct");
    EXPECT_EQ(hybrid.find("cpuacct"), &hybrid.hierarchies[0]);
    EXPECT_EQ(hybrid.find("memory")->root, "/docker/x");
    EXPECT_EQ(hybrid.find("name=systemd")->name(), "systemd");
    EXPECT_EQ(hybrid.unified()->mount_point, "/sys/fs/cgroup/unified");
    EXPECT_FALSE(hybrid.is_v2_only());
    EXPECT_TRUE(
        parse_cgroup_layout("6 1 0:5 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n").is_v2_only());
}

TEST(Capabilities, NamesAndMasks) {
    EXPECT_EQ(parse_capability("CAP_CHOWN"), 0);
    EXPECT_EQ(parse_capability("net_raw"), 13);
    EXPECT_FALSE(parse_capability("CAP_NONSENSE"));
    const std::vector<std::string> wanted = {"CAP_KILL", "CAP_FROM_THE_FUTURE",
                                             "CAP_CHECKPOINT_RESTORE"};
    EXPECT_EQ(capability_mask(wanted), (CapabilityMask(1) << 5) | (CapabilityMask(1) << 40));
    EXPECT_EQ(capability_names(0x21), (std::vector<std::string>{"CAP_CHOWN", "CAP_KILL"}));
}

TEST(Signals, NamesAndNumbers) {
    for (const char* text : {"KILL", "SIGKILL", "sigkill", "9"})
        EXPECT_EQ(parse_signal(text), 9) << text;
    EXPECT_EQ(parse_signal("RTMIN+1"), SIGRTMIN + 1);
    for (const char* text : {"", "SIG", "0", "-1", "999", "NOPE", "RTMIN+99"})
        EXPECT_FALSE(parse_signal(text)) << text;
    EXPECT_EQ(signal_name(15), "SIGTERM");
}

}  // namespace
}  // namespace berth::sys
