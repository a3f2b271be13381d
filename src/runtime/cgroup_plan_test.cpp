#include "runtime/cgroup_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using testing::ElementsAre;

TEST(CgroupPlan, WritesV1LimitsInTheOrderTheKernelNeeds) {
    oci::RuntimeResources resources;
    resources.memory = {.limit = 1 << 20, .swap = 2 << 20};
    resources.cpu = {.shares = 512, .quota = 50000, .period = 100000, .cpus = "0-1"};
    resources.pids_limit = -1;
    EXPECT_THAT(plan_v1(resources),
                ElementsAre(CgroupWrite{"memory", "memory.limit_in_bytes", "1048576"},
                            CgroupWrite{"memory", "memory.memsw.limit_in_bytes", "2097152"},
                            CgroupWrite{"cpu", "cpu.shares", "512"},
                            CgroupWrite{"cpu", "cpu.cfs_period_us", "100000"},
                            CgroupWrite{"cpu", "cpu.cfs_quota_us", "50000"},
                            CgroupWrite{"cpuset", "cpuset.cpus", "0-1"},
                            CgroupWrite{"pids", "pids.max", "max"}));
}

TEST(CgroupPlan, TurnsThemIntoV2sUnits) {
    oci::RuntimeResources resources;
    resources.memory = {.limit = 100, .swap = 150};
    resources.cpu = {.shares = 1024, .quota = 50000};
    resources.block_io.weight = 500;
    resources.block_io.read_bps = {{.major = 8, .minor = 0, .rate = 7}};
    resources.unified = {{"memory.high", "90"}};
    EXPECT_THAT(
        plan_v2(resources),
        ElementsAre(CgroupWrite{"", "memory.max", "100"}, CgroupWrite{"", "memory.swap.max", "50"},
                    CgroupWrite{"", "cpu.weight", "39"}, CgroupWrite{"", "cpu.max", "50000 100000"},
                    CgroupWrite{"", "io.weight", "default 4950"},
                    CgroupWrite{"", "io.max", "8:0 rbps=7"}, CgroupWrite{"", "memory.high", "90"}));
}

TEST(CgroupPlan, NothingAskedForIsNothingWritten) {
    EXPECT_TRUE(plan_v1({}).empty());
    EXPECT_TRUE(plan_v2({}).empty());
}

TEST(CgroupPlan, DevicesAreDeniedByDefault) {
    const auto rules = plan_devices({});
    ASSERT_FALSE(rules.empty());
    EXPECT_FALSE(rules.front().allow);
    EXPECT_EQ(rules.front().type, 'a');
    for (std::size_t i = 1; i < rules.size(); ++i) EXPECT_NE(rules[i].type, 'a');
}

TEST(CgroupPlan, AllDevicesOnlyWhenAskedFor) {
    oci::RuntimeResources resources;
    resources.devices = {{.allow = true}};
    const auto rules = plan_devices(resources);
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_TRUE(rules.front().allow);
}

TEST(CgroupPlan, UsualDevicesAreAllowedOnce) {
    oci::RuntimeResources resources;
    resources.devices = {{.allow = false, .access = "rwm"},
                         {.allow = true, .type = "c", .major = 1, .minor = 3, .access = "rwm"},
                         {.allow = false, .type = "c", .major = 1, .minor = 8, .access = "rwm"},
                         {.allow = true, .type = "c", .major = 1, .minor = 5, .access = "rwm"}};
    const auto rules = plan_devices(resources);
    const auto count = [&](std::int64_t minor) {
        return std::ranges::count_if(rules, [&](const auto& rule) {
            return rule.allow && rule.major == 1 && rule.minor == minor;
        });
    };
    EXPECT_EQ(count(5), 1) << "given after the last refusal";
    EXPECT_EQ(count(8), 1) << "allowed again after it was refused";
    EXPECT_EQ(count(3), 2) << "a refusal came after it";
}

TEST(CgroupPlan, PathsOfAllNotations) {
    EXPECT_EQ(cgroup_path("", "id"), "/id");
    EXPECT_EQ(cgroup_path("/docker/x", "id"), "/docker/x");
    EXPECT_EQ(cgroup_path("relative", "id"), "/relative");
    EXPECT_EQ(cgroup_path("machine.slice:libpod:abc", "id"), "/machine.slice/libpod-abc.scope");
    EXPECT_EQ(cgroup_path("user-1.slice:p:n", "id"), "/user.slice/user-1.slice/p-n.scope");
    EXPECT_EQ(cgroup_path(":p:n", "id"), "/system.slice/p-n.scope");
}

}  // namespace
}  // namespace berth::runtime
