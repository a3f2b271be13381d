#include "oci/image_config.h"

#include <gtest/gtest.h>

namespace berth::oci {
namespace {

constexpr std::string_view full = R"({
  "created": "2026-01-02T03:04:05.5Z", "author": "me", "architecture": "arm64", "variant": "v8", "os": "linux",
  "moby.buildkit.buildinfo.v1": "eyJ9",
  "config": {"User": "app", "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Env": ["PATH=/bin", "A=1"],
    "Entrypoint": [], "Cmd": ["/app", "-v"], "Volumes": {"/data": {}}, "WorkingDir": "/srv",
    "Labels": {"b": "2", "a": "1"}, "StopSignal": "SIGINT", "StopTimeout": 3, "Shell": ["/bin/bash", "-c"],
    "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000, "Retries": 3},
    "OnBuild": ["RUN make"], "ArgsEscaped": true, "Memory": 7},
  "rootfs": {"type": "layers",
    "diff_ids": ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},
  "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "ADD x"}, {"created_by": "CMD y", "empty_layer": true}]
})";

TEST(ImageConfig, ReadsEveryMember) {
    const auto config = parse_image_config(full);
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_EQ(config->platform.to_string(), "linux/arm64/v8");
    EXPECT_EQ(config->config.exposed_ports, (std::vector<std::string>{"53/udp", "80/tcp"}));
    ASSERT_TRUE(config->config.entrypoint);
    EXPECT_TRUE(config->config.entrypoint->empty());
    EXPECT_EQ(config->config.find_env("A"), "1");
    EXPECT_EQ(config->config.find_env("B"), std::nullopt);
    ASSERT_TRUE(config->config.healthcheck);
    EXPECT_EQ(config->config.healthcheck->interval, std::chrono::seconds(5));
    EXPECT_EQ(config->config.stop_timeout, 3);
    EXPECT_EQ(config->diff_ids.size(), 1u);
    ASSERT_EQ(config->history.size(), 2u);
    EXPECT_TRUE(config->history[1].empty_layer);
}

TEST(ImageConfig, SurvivesARoundTripWithUnknownMembers) {
    const auto config = parse_image_config(full);
    ASSERT_TRUE(config);
    const std::string json = config->to_json();
    const auto again = parse_image_config(json);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *config);
    EXPECT_EQ(again->to_json(), json);
    EXPECT_NE(json.find("moby.buildkit.buildinfo.v1"), std::string::npos);
    EXPECT_NE(json.find("\"Memory\":7"), std::string::npos);
    EXPECT_LT(json.find("\"a\":\"1\""), json.find("\"b\":\"2\""));
}

TEST(ImageConfig, RefusesWrongKinds) {
    for (const char* text :
         {"[]", "{\"config\":[]}", "{\"config\":{\"Env\":\"A=1\"}}", "{\"config\":{\"Cmd\":[1]}}",
          "{\"rootfs\":{\"diff_ids\":[\"sha256:zz\"]}}", "{\"history\":[1]}", "{\"history\":{}}"}) {
        const auto config = parse_image_config(text);
        ASSERT_TRUE(config.is_error()) << text;
        EXPECT_TRUE(config.error().is(ErrorCode::InvalidArgument));
    }
}

TEST(ImageConfig, SetsVariablesInPlace) {
    ImageRunConfig config{.env = {"AB=0", "A=1"}};
    config.set_env("A", "2");
    config.set_env("B", "3");
    EXPECT_EQ(config.env, (std::vector<std::string>{"AB=0", "A=2", "B=3"}));
}

}  // namespace
}  // namespace berth::oci
