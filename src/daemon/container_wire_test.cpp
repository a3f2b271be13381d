#include "daemon/container_wire.h"

#include <gtest/gtest.h>

#include "daemon/build_request.h"
#include "daemon/credentials.h"

namespace berth::daemon {
namespace {

Result<container::ContainerSpec> spec(const std::string& json, api::ApiVersion version = {1, 50}) {
    const auto request = TRY(api::ContainerCreateRequest::parse(json));
    return spec_of(request, version);
}

TEST(SpecOf, TakesPortsMountsAndLimits) {
    const auto result = spec(R"({"Image":"a","ExposedPorts":{"80/tcp":{}},"HostConfig":{
        "PortBindings":{"80/tcp":[{"HostPort":"8080"}],"90/udp":[],"91":[{"HostIp":"127.0.0.1","HostPort":"9000-9010"}]},
        "Mounts":[{"Type":"bind","Source":"/a","Target":"/b"},{"Type":"volume","Target":"/v"}],
        "NanoCpus":500000000,"MemorySwappiness":-1,"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}}})");
    ASSERT_TRUE(result) << result.error().message();
    const auto& ports = result->host.port_bindings;
    EXPECT_EQ(ports.at({80, "tcp"}).at(0).host_port, 8080);
    EXPECT_EQ(ports.at({90, "udp"}).at(0).host_port, 0);
    EXPECT_EQ(ports.at({91, "tcp"}).at(0).host_port_end, 9010);
    EXPECT_EQ(result->host.mounts.at(0).type, container::MountType::Bind);
    EXPECT_EQ(result->host.mounts.at(1).type, container::MountType::Volume);
    EXPECT_EQ(result->host.resources.nano_cpus, 500000000);
    EXPECT_FALSE(result->host.resources.memory_swappiness);
    EXPECT_EQ(result->host.restart.max_retries, 3);
}

TEST(SpecOf, SurvivesTheWayBack) {
    const auto first = spec(
        R"({"Image":"a","Cmd":["x"],"Env":["A=b"],"StopTimeout":3,"Healthcheck":{"Test":["NONE"]},
        "HostConfig":{"Binds":["/a:/b"],"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"1-2"}]},"Privileged":true,
        "Ulimits":[{"Name":"nofile","Hard":20,"Soft":10}],"Tmpfs":{"/t":"size=1m"},"ShmSize":1048576,"IpcMode":"host",
        "LogConfig":{"Type":"local","Config":{}},"Runtime":"berth","BerthHostCA":true}})");
    ASSERT_TRUE(first) << first.error().message();
    api::ContainerCreateRequest again{.config = config_of(*first),
                                      .host_config = host_config_of(first->host)};
    const auto second = spec_of(again, {1, 50});
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_EQ(*first, *second);
}

TEST(SpecOf, TakesAMacAddressOfTheWholeContainerUpTo151) {
    const std::string json = R"({"Image":"a","MacAddress":"02:42:ac:11:00:09"})";
    EXPECT_EQ(spec(json, {1, 51})->mac_address, "02:42:ac:11:00:09");
    const auto refused = spec(json, {1, 52});
    ASSERT_TRUE(refused.is_error());
    EXPECT_NE(refused.error().message().find("endpoint-specific MAC address"), std::string::npos);
}

TEST(SpecOf, RefusesWhatMakesNoSense) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"x"}]}}})",
         "invalid port specification"},
        {R"({"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"9-8"}]}}})",
         "invalid port specification"},
        {R"({"HostConfig":{"PortBindings":{"eighty":[]}}})", "eighty"},
        {R"({"HostConfig":{"Mounts":[{"Type":"bind","Target":"/a"}]}})",
         "field Source must not be empty"},
        {R"({"HostConfig":{"Mounts":[{"Type":"bind","Source":"/a"}]}})",
         "field Target must not be empty"},
        {R"({"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/a","VolumeOptions":{}}]}})",
         "VolumeOptions must not be"},
        {R"({"HostConfig":{"Mounts":[{"Type":"npipe","Source":"a","Target":"/a"}]}})",
         "not supported"},
        {R"({"HostConfig":{"RestartPolicy":{"Name":"sometimes"}}})", "sometimes"},
        {R"({"HostConfig":{"RestartPolicy":{"Name":"always","MaximumRetryCount":2}}})",
         "only be used with 'on-failure'"},
        {R"({"HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":"always"}}})",
         "can't create 'AutoRemove'"},
        {R"({"Healthcheck":{"Interval":-1}})", "cannot be negative"},
    };
    for (const auto& [json, text] : cases) {
        const auto result = spec(json);
        ASSERT_TRUE(result.is_error()) << json;
        EXPECT_NE(result.error().message().find(text), std::string::npos)
            << result.error().message();
    }
}

TEST(SpecOf, FollowsTheVersion) {
    const char* two_networks = R"({"NetworkingConfig":{"EndpointsConfig":{"a":{},"b":{}}}})";
    EXPECT_TRUE(spec(two_networks, {1, 43}).is_error());
    EXPECT_EQ(spec(two_networks, {1, 44})->networks.size(), 2U);
    const char* wrong_options =
        R"({"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/a","VolumeOptions":{}}]}})";
    EXPECT_TRUE(spec(wrong_options, {1, 41}));
}

TEST(RegistryHost, KnowsDockerHubsNames) {
    EXPECT_EQ(registry_host("https://index.docker.io/v1/"), "docker.io");
    EXPECT_EQ(registry_host(""), "docker.io");
    EXPECT_EQ(registry_host("http://localhost:5000/v2/"), "localhost:5000");
}

TEST(Credentials, GoToTheirHostOnly) {
    http::Headers headers;
    headers.set("X-Registry-Auth", api::AuthConfig{.username = "u", .password = "p"}.to_header());
    const auto provider = credentials_for(headers, "registry.example");
    EXPECT_EQ(provider("registry.example").username, "u");
    EXPECT_TRUE(provider("other.example").is_empty());
    headers.set("X-Registry-Auth", "###");
    EXPECT_FALSE(credentials_for(headers, "registry.example"));
}

TEST(BuildRequest, ReadsDockersParameters) {
    const auto query = http::Query::parse(
        "t=a&t=b:1&dockerfile=D&target=x&nocache=1&networkmode=host&extrahosts=db:10.0.0.1&"
        "buildargs=%7B%22A%22%3A%221%22%2C%22B%22%3Anull%7D&labels=%7B%22k%22%3A%22v%22%7D");
    const auto request = build_request_of(query, {});
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->tags, (std::vector<std::string>{"a", "b:1"}));
    EXPECT_EQ(request->dockerfile, "D");
    EXPECT_TRUE(request->no_cache);
    EXPECT_EQ(request->network, container::StepNetwork::Host);
    ASSERT_EQ(request->args.size(), 2U);
    EXPECT_EQ(request->args[0].second, "1");
    EXPECT_EQ(request->args[1].second, std::nullopt);
    EXPECT_EQ(request->extra_hosts.at(0).second, "10.0.0.1");
}

TEST(BuildRequest, RefusesBrokenOnes) {
    for (const char* text : {"buildargs=%5B", "buildargs=%5B%5D", "networkmode=container:x",
                             "version=2", "platform=a/b/c/d"})
        EXPECT_TRUE(build_request_of(http::Query::parse(text), {}).is_error()) << text;
    http::Headers headers;
    headers.set("X-Berth-Secrets", "e30");
    EXPECT_TRUE(build_request_of({}, headers));
    headers.set("X-Berth-Secrets", "topsecret!");
    EXPECT_EQ(build_request_of({}, headers).error().message().find("topsecret"), std::string::npos);
}

}  // namespace
}  // namespace berth::daemon
