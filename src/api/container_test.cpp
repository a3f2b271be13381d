#include "api/container.h"

#include <gtest/gtest.h>

#include "api/exec.h"
#include "codec/json.h"

namespace berth::api {
namespace {

TEST(ContainerCreateRequest, ReadsWhatTheDockerCommandSends) {
    const auto request = ContainerCreateRequest::parse(R"({
        "Hostname":"web","Tty":true,"Env":["A=b"],"Cmd":["sh","-c","true"],"Entrypoint":null,"Image":"alpine",
        "ExposedPorts":{"80/tcp":{}},"Volumes":{"/data":{}},"Labels":{"k":"v"},"StopTimeout":5,
        "Healthcheck":{"Test":["CMD","true"],"Interval":1000000000},
        "HostConfig":{"Binds":["/a:/b:ro"],"Memory":1048576,"PidsLimit":-1,"Init":true,"ConsoleSize":[24,80],
            "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"RestartPolicy":{"Name":"always"},
            "LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}},"MaskedPaths":[],
            "Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":7,"Mode":511}}]},
        "NetworkingConfig":{"EndpointsConfig":{"front":{"Aliases":["w"],"IPAMConfig":{"IPv4Address":"10.0.0.5"}}}}})");
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->config.hostname, "web");
    EXPECT_EQ(request->config.cmd, (std::vector<std::string>{"sh", "-c", "true"}));
    EXPECT_FALSE(request->config.entrypoint);
    EXPECT_EQ(request->config.exposed_ports, std::vector<std::string>{"80/tcp"});
    EXPECT_EQ(request->config.stop_timeout, 5);
    EXPECT_EQ(request->config.healthcheck->interval, 1'000'000'000);
    EXPECT_EQ(request->host_config.resources.memory, 1048576);
    EXPECT_EQ(request->host_config.resources.pids_limit, -1);
    EXPECT_EQ(request->host_config.console_size[1], 80);
    EXPECT_EQ(request->host_config.port_bindings.at("80/tcp").at(0).host_port, "8080");
    EXPECT_TRUE(request->host_config.masked_paths && request->host_config.masked_paths->empty());
    EXPECT_FALSE(request->host_config.readonly_paths);
    EXPECT_EQ(request->host_config.mounts.at(0).tmpfs_options->mode, 511U);
    EXPECT_EQ(request->endpoints.at("front").ipam_config->ipv4_address, "10.0.0.5");
}

TEST(ContainerCreateRequest, RoundTrips) {
    ContainerCreateRequest request;
    request.config.image = "alpine";
    request.config.cmd = {"a", "b"};
    request.config.exposed_ports = {"80/tcp"};
    request.host_config.binds = {"/a:/b"};
    request.host_config.port_bindings["80/tcp"] = {};
    request.host_config.host_ca = true;
    request.endpoints["net"].aliases = {"x"};
    const std::string text = request.to_json();
    const auto again = ContainerCreateRequest::parse(text);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->to_json(), text);
    EXPECT_EQ(again->host_config.host_ca, true);
}

TEST(ContainerCreateRequest, TakesAStringAsACommandOfOneWord) {
    const auto request = ContainerCreateRequest::parse(R"({"Cmd":"top","Entrypoint":"/x"})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->config.cmd, std::vector<std::string>{"top"});
    EXPECT_EQ(request->config.entrypoint, std::vector<std::string>{"/x"});
}

TEST(ContainerCreateRequest, MatchesKeysWithoutRegardToCase) {
    EXPECT_EQ(ContainerCreateRequest::parse(R"({"image":"a","hostconfig":{"autoremove":true}})")
                  ->config.image,
              "a");
}

TEST(ContainerCreateRequest, NamesTheMemberThatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"HostConfig":{"Memory":"1g"}})", "HostConfig.Memory: expected a number"},
        {R"({"Env":"A=b"})", "Env: expected a list"},
        {R"({"Env":["A",1]})", "Env[1]: expected a string"},
        {R"({"HostConfig":{"PortBindings":{"80/tcp":{}}}})",
         "HostConfig.PortBindings.80/tcp: expected a list"},
        {R"({"HostConfig":{"BlkioWeight":-1}})",
         "HostConfig.BlkioWeight: expected a number that is not negative"},
        {R"({"HostConfig":{"BlkioWeight":70000}})",
         "HostConfig.BlkioWeight: expected a smaller number"},
        {R"([])", "expected an object"},
        {R"({"a")", "invalid JSON"},
    };
    for (const auto& [json, text] : cases) {
        const auto request = ContainerCreateRequest::parse(json);
        ASSERT_TRUE(request.is_error()) << json;
        EXPECT_EQ(request.error().code(), ErrorCode::InvalidArgument);
        EXPECT_NE(request.error().message().find(text), std::string::npos)
            << request.error().message();
    }
}

TEST(HostConfig, KeepsNullAndEmptyApartAsGoDoes) {
    const auto json = codec::parse_json(to_json(HostConfig{})).value();
    EXPECT_TRUE(json["Binds"].is_null());
    EXPECT_TRUE(json["PortBindings"].is_object());
    EXPECT_TRUE(json["PidsLimit"].is_null());
    EXPECT_FALSE(json.contains("BerthHostCA"));
    EXPECT_TRUE(json.contains("CpuShares"));
}

TEST(ExecCreateRequest, RoundTripsAndTakesNoBody) {
    ExecCreateRequest request{
        .tty = true, .console_size = {{24, 80}}, .env = {"A=b"}, .cmd = {"sh"}};
    EXPECT_EQ(ExecCreateRequest::parse(request.to_json())->to_json(), request.to_json());
    EXPECT_FALSE(ExecStartRequest::parse("")->detach);
    EXPECT_TRUE(ExecStartRequest::parse("{}"));
}

}  // namespace
}  // namespace berth::api
