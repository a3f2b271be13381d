#include "container/spec_json.h"

#include <gtest/gtest.h>

namespace berth::container {
namespace {

TEST(SpecJson, KeepsADefaultSpec) {
    ContainerSpec spec;
    spec.image = "debian";
    EXPECT_EQ(*parse_spec(to_json(spec)), spec);
}

TEST(SpecJson, KeepsEveryKindOfMember) {
    ContainerSpec spec;
    spec.image = "debian";
    spec.env = {"A=1", "B=\"ü\""};
    spec.cmd = {{"sh", "-c", ""}};
    spec.entrypoint = std::vector<std::string>{};
    spec.labels = {{"a", "b"}, {"c", ""}};
    spec.exposed_ports = {{80, "tcp"}, {53, "udp"}};
    spec.stop_timeout = 0;
    spec.healthcheck =
        Healthcheck{.test = {"CMD", "true"}, .interval = std::chrono::seconds(3), .retries = 4};
    spec.tty = true;
    spec.host.mounts = {
        {.type = MountType::Tmpfs, .target = "/t", .read_only = true, .tmpfs_size = 1ll << 40}};
    spec.host.port_bindings = {{{80, "tcp"}, {{"127.0.0.1", 8080, 8090}, {}}}};
    spec.host.network_mode = "";
    spec.host.restart = {RestartMode::OnFailure, 3};
    spec.host.resources.memory_swappiness = 0;
    spec.host.resources.pids_limit = -1;
    spec.host.resources.blkio_read_bps = {{"/dev/sda", 1000}};
    spec.host.init = false;
    spec.host.masked_paths = std::vector<std::string>{};
    spec.host.console_size = {24, 80};
    spec.host.ulimits = {{"nofile", 1024, -1}};
    spec.networks = {{"front", {.aliases = {"web"}, .ipv4_address = "10.0.0.2"}}};
    EXPECT_EQ(*parse_spec(to_json(spec)), spec);
}

TEST(SpecJson, KeepsTheTypeOfEveryMount) {
    ContainerSpec spec;
    for (const MountType type : {MountType::Bind, MountType::Volume, MountType::Tmpfs})
        spec.host.mounts.push_back({.type = type, .source = "/s", .target = "/t"});
    EXPECT_EQ(*parse_spec(to_json(spec)), spec);
}

TEST(SpecJson, ReadsAMountWithoutATypeAsABind) {
    const auto spec = parse_spec(R"({"host":{"mounts":[{"source":"/s","target":"/t"}]}})");
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->host.mounts.at(0).type, MountType::Bind);
}

TEST(SpecJson, RefusesWhatIsNoObject) {
    EXPECT_FALSE(parse_spec("[]"));
    EXPECT_FALSE(parse_spec("{"));
}

TEST(SpecJson, ReadsMembersOfAWrongTypeAsDefaults) {
    const auto spec =
        parse_spec(R"({"image":7,"env":{"a":1},"host":{"mounts":[{"target":3}],"restart":"no"}})");
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->image, "");
    EXPECT_TRUE(spec->env.empty());
}

}  // namespace
}  // namespace berth::container
