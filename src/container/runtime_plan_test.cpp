#include "container/runtime_plan.h"

#include <gtest/gtest.h>

#include "sys/dir.h"

#include <algorithm>

namespace berth::container {
namespace {

ContainerSpec spec_of(std::vector<std::string> command = {"true"}) {
    ContainerSpec spec;
    spec.cmd = std::move(command);
    spec.host.network_mode = "bridge";
    return spec;
}

bool has_namespace(const oci::RuntimeSpec& spec, std::string_view type) {
    return spec.linux_config.find_namespace(type) != nullptr;
}

const oci::RuntimeMount* find_mount(const oci::RuntimeSpec& spec, std::string_view target) {
    const auto found = std::ranges::find(spec.mounts, target, &oci::RuntimeMount::destination);
    return found == spec.mounts.end() ? nullptr : &*found;
}

TEST(RuntimePlan, GivesDockersFourteenCapabilities) {
    const auto plan = plan_runtime(spec_of(), {});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->process->capabilities->bounding.size(), 14u);
    EXPECT_EQ(plan->process->capabilities->effective.size(), 14u);
    EXPECT_TRUE(plan->process->capabilities->inheritable.empty());
    EXPECT_TRUE(plan->process->capabilities->ambient.empty());
}

TEST(RuntimePlan, AnotherUserHasNoEffectiveCapabilities) {
    RuntimeFacts facts;
    facts.user.uid = 1000;
    const auto plan = plan_runtime(spec_of(), facts);
    EXPECT_TRUE(plan->process->capabilities->effective.empty());
    EXPECT_EQ(plan->process->capabilities->bounding.size(), 14u);
}

TEST(RuntimePlan, ThePrimaryGroupIsASupplementaryOneToo) {
    RuntimeFacts facts;
    facts.user = {.uid = 1000, .gid = 50, .groups = {20, 50, 30}, .home = "/"};
    const auto plan = plan_runtime(spec_of(), facts);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->process->user.additional_gids, (std::vector<std::uint32_t>{50, 20, 30}));
}

TEST(RuntimePlan, AddsAndDropsCapabilities) {
    ContainerSpec spec = spec_of();
    spec.host.cap_drop = {"ALL"};
    spec.host.cap_add = {"net_admin", "CAP_SYS_TIME"};
    EXPECT_EQ(plan_runtime(spec, {})->process->capabilities->bounding,
              (std::vector<std::string>{"CAP_NET_ADMIN", "CAP_SYS_TIME"}));
    spec.host.cap_add = {"NO_SUCH"};
    EXPECT_FALSE(plan_runtime(spec, {}));
}

TEST(RuntimePlan, ThePrivilegedSeeEverything) {
    ContainerSpec spec = spec_of();
    spec.host.privileged = true;
    const auto plan = plan_runtime(spec, {});
    EXPECT_TRUE(plan->linux_config.masked_paths.empty());
    EXPECT_TRUE(plan->linux_config.readonly_paths.empty());
    EXPECT_EQ(plan->find_annotation(oci::seccomp_annotation), nullptr);
    EXPECT_TRUE(plan->linux_config.resources.devices.front().allow);
}

TEST(RuntimePlan, ConfinesByDefault) {
    const auto plan = plan_runtime(spec_of(), {});
    EXPECT_NE(plan->find_annotation(oci::seccomp_annotation), nullptr);
    EXPECT_FALSE(plan->linux_config.masked_paths.empty());
    EXPECT_FALSE(plan->linux_config.resources.devices.front().allow);
    for (const char* type : {"mount", "pid", "ipc", "uts", "network"})
        EXPECT_TRUE(has_namespace(*plan, type)) << type;
}

TEST(RuntimePlan, FindsWhatTellsOfTheHeatOfEachProcessor) {
    const auto temp = sys::TempDir::create().value();
    for (const char* folder : {"cpu10/thermal_throttle", "cpu2/thermal_throttle", "cpu3/topology",
                               "cpufreq/thermal_throttle", "cpu/thermal_throttle"})
        sys::mkdir_all(concat(temp.path(), "/", folder), 0755).value();
    EXPECT_EQ(thermal_paths(temp.path()),
              (std::vector<std::string>{temp.path() + "/cpu10/thermal_throttle",
                                        temp.path() + "/cpu2/thermal_throttle"}));
    EXPECT_TRUE(thermal_paths(temp.path() + "/none").empty());
}

TEST(RuntimePlan, SharesTheHostsNamespacesWhenAsked) {
    ContainerSpec spec = spec_of();
    spec.host.network_mode = spec.host.pid_mode = spec.host.ipc_mode = spec.host.uts_mode = "host";
    const auto plan = plan_runtime(spec, {});
    for (const char* type : {"pid", "ipc", "uts", "network"})
        EXPECT_FALSE(has_namespace(*plan, type)) << type;
    EXPECT_EQ(find_mount(*plan, "/dev/shm")->source, "/dev/shm");
    spec.host.sysctls = {{"net.ipv4.ip_forward", "1"}};
    EXPECT_FALSE(plan_runtime(spec, {}));
}

TEST(RuntimePlan, AMountOfTheUsersTakesThePlaceOfADefaultOne) {
    RuntimeFacts facts;
    facts.mounts = {{"/dev/shm", "bind", "/mine", {"rbind"}, {}, {}},
                    {"/etc/hosts", "bind", "/h", {"bind"}, {}, {}}};
    facts.hosts_path = "/engine/hosts";
    const auto plan = plan_runtime(spec_of(), facts);
    EXPECT_EQ(find_mount(*plan, "/dev/shm")->source, "/mine");
    EXPECT_EQ(find_mount(*plan, "/etc/hosts")->source, "/h");
    EXPECT_EQ(std::ranges::count(plan->mounts, "/etc/hosts", &oci::RuntimeMount::destination), 1);
}

TEST(RuntimePlan, MountsOuterTargetsFirst) {
    RuntimeFacts facts;
    facts.mounts = {{"/a/b/c", "bind", "/3", {}, {}, {}},
                    {"/a", "bind", "/1", {}, {}, {}},
                    {"/a/b", "bind", "/2", {}, {}, {}}};
    const auto plan = plan_runtime(spec_of(), facts);
    std::vector<std::string> order;
    for (const auto& mount : plan->mounts) {
        if (mount.destination.starts_with("/a")) order.push_back(mount.source);
    }
    EXPECT_EQ(order, (std::vector<std::string>{"/1", "/2", "/3"}));
}

TEST(RuntimePlan, TheContainersVariablesWin) {
    ContainerSpec spec = spec_of();
    spec.env = {"PATH=/mine", "CA=own"};
    RuntimeFacts facts;
    facts.user.home = "/root";
    facts.extra_env = {{"CA", "host"}};
    const auto env = plan_runtime(spec, facts)->process->env;
    EXPECT_NE(std::ranges::find(env, "PATH=/mine"), env.end());
    EXPECT_NE(std::ranges::find(env, "CA=own"), env.end());
    EXPECT_NE(std::ranges::find(env, "HOME=/root"), env.end());
    EXPECT_EQ(std::ranges::count_if(
                  env, [](const std::string& line) { return line.starts_with("PATH="); }),
              1);
}

TEST(RuntimePlan, InitComesBeforeTheCommand) {
    RuntimeFacts facts;
    facts.init_program = "/lib/berth-shim";
    EXPECT_EQ(plan_runtime(spec_of({"sh", "-c", "x"}), facts)->process->args,
              (std::vector<std::string>{"/sbin/docker-init", "--", "sh", "-c", "x"}));
}

TEST(PlanResources, FollowsDockersRules) {
    const auto limits =
        plan_resources({.memory = 1 << 30, .nano_cpus = 1'500'000'000, .pids_limit = 50}, 0);
    EXPECT_EQ(limits.memory.swap, 2ll << 30);
    EXPECT_EQ(limits.cpu.quota, 150'000);
    EXPECT_EQ(limits.cpu.period, 100'000u);
    EXPECT_EQ(limits.pids_limit, 50);
    EXPECT_FALSE(plan_resources({}, 0).pids_limit);
    EXPECT_EQ(plan_resources({}, 2048).pids_limit, 2048);
    EXPECT_EQ(plan_resources({.memory = 1 << 30, .memory_swap = -1}, 0).memory.swap, -1);
}

TEST(RuntimePlan, RefusesUnknownSecurityOptions) {
    ContainerSpec spec = spec_of();
    spec.host.security_opt = {"no-new-privileges"};
    EXPECT_TRUE(plan_runtime(spec, {})->process->no_new_privileges);
    spec.host.security_opt = {"magic=on"};
    EXPECT_FALSE(plan_runtime(spec, {}));
    spec.host.security_opt = {"no-new-privileges=maybe"};
    EXPECT_FALSE(plan_runtime(spec, {}));
}

TEST(RuntimePlan, CgroupsAreWritableWhereItIsAskedFor) {
    const auto is_read_only = [](std::vector<std::string> options, bool privileged) {
        ContainerSpec spec = spec_of();
        spec.host.security_opt = std::move(options);
        spec.host.privileged = privileged;
        const auto planned = plan_runtime(spec, {});
        const auto mount =
            std::ranges::find(planned->mounts, "/sys/fs/cgroup", &oci::RuntimeMount::destination);
        return std::ranges::find(mount->options, "ro") != mount->options.end();
    };
    EXPECT_TRUE(is_read_only({}, false));
    EXPECT_FALSE(is_read_only({"writable-cgroups=true"}, false));
    EXPECT_FALSE(is_read_only({"writable-cgroups"}, false));
    EXPECT_TRUE(is_read_only({"writable-cgroups=false"}, true));
    EXPECT_FALSE(is_read_only({}, true));
}

}  // namespace
}  // namespace berth::container
