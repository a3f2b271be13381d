#include "container/user_namespace.h"

#include <gtest/gtest.h>

#include <functional>

namespace berth::container {
namespace {

ContainerSpec changed(const std::function<void(ContainerSpec&)>& change) {
    ContainerSpec spec;
    change(spec);
    return spec;
}

TEST(UserNamespace, SuitsWhatStaysByItself) {
    EXPECT_TRUE(suits_user_namespace({}));
    EXPECT_TRUE(suits_user_namespace(changed([](auto& spec) {
        spec.user = "65535:1000";
        spec.host.cap_add = {"NET_ADMIN", "cap_sys_ptrace"};
        spec.host.sysctls = {{"net.ipv4.ip_forward", "1"}};
        spec.host.group_add = {"audio", "29"};
    })));
    EXPECT_TRUE(suits_user_namespace(changed([](auto& spec) { spec.user = "postgres"; })));
}

TEST(UserNamespace, DoesNotSuitWhatReachesOut) {
    const std::vector<std::function<void(ContainerSpec&)>> changes = {
        [](auto& spec) { spec.host.privileged = true; },
        [](auto& spec) { spec.host.network_mode = "host"; },
        [](auto& spec) { spec.host.network_mode = "container:other"; },
        [](auto& spec) { spec.host.pid_mode = "host"; },
        [](auto& spec) { spec.host.ipc_mode = "container:other"; },
        [](auto& spec) { spec.host.uts_mode = "host"; },
        [](auto& spec) { spec.host.security_opt = {"writable-cgroups=true"}; },
        [](auto& spec) { spec.host.devices = {{.host_path = "/dev/fuse"}}; },
        [](auto& spec) { spec.host.device_claims = {{.driver = "cdi"}}; },
        [](auto& spec) { spec.host.device_cgroup_rules = {"c 1:3 r"}; },
        [](auto& spec) { spec.host.cap_add = {"MKNOD"}; },
        [](auto& spec) { spec.host.cap_add = {"ALL"}; },
        [](auto& spec) {
            spec.host.sysctls = {{"kernel.shmmni", "4000"}};
        },
        [](auto& spec) { spec.host.readonly_paths.emplace(); },
        [](auto& spec) { spec.user = "65536"; },
        [](auto& spec) { spec.user = "0:65536"; },
        [](auto& spec) { spec.host.group_add = {"70000"}; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i)
        EXPECT_FALSE(suits_user_namespace(changed(changes[i]))) << "change " << i;
}

TEST(UserNamespace, AskedForItNamesWhatExcludesIt) {
    HostConfig host{.pid_mode = "host", .userns_mode = "auto"};
    const auto refused = check_user_namespace(host);
    ASSERT_TRUE(refused.is_error());
    EXPECT_NE(refused.error().message().find("--pid host and --userns auto"), std::string::npos);
    host.userns_mode = "host";
    EXPECT_FALSE(check_user_namespace(host).is_error());
}

// A map would not be seen on what has options, nor what the socket's listener learns.
TEST(UserNamespace, MountsThatAMapWouldChange) {
    const sys::Fd none;
    EXPECT_FALSE(can_map_mounts(
        {{.type = MountType::Volume, .source = "nfs", .driver_options = {{"type", "nfs"}}}}, none,
        {}));
    EXPECT_FALSE(can_map_mounts({{.type = MountType::Bind, .source = "/run"}}, none, {}));
    EXPECT_FALSE(can_map_mounts(
        {{.type = MountType::Bind, .source = "/usr", .propagation = "rslave"}}, none, {}));
    sys::MountEntry below;
    below.target = "/usr/local";
    EXPECT_FALSE(can_map_mounts({{.type = MountType::Bind, .source = "/usr"}}, none, {below}));
    EXPECT_TRUE(can_map_mounts({{.type = MountType::Volume, .source = "plain"},
                                {.type = MountType::Tmpfs, .target = "/t"}},
                               none, {}));
}

}  // namespace
}  // namespace berth::container
