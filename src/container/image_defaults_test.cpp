#include "container/image_defaults.h"

#include <gtest/gtest.h>

namespace berth::container {
namespace {

using Words = std::vector<std::string>;

oci::ImageRunConfig image() {
    oci::ImageRunConfig config;
    config.entrypoint = Words{"/entry"};
    config.cmd = Words{"default"};
    config.env = {"PATH=/bin", "A=image"};
    config.user = "app";
    config.volumes = {"/data"};
    config.exposed_ports = {"80/tcp"};
    config.labels = {{"a", "image"}, {"b", "image"}};
    config.healthcheck = oci::HealthcheckConfig{.test = {"CMD", "check"}, .retries = 5};
    return config;
}

TEST(ApplyImage, TakesWhatTheCallerLeftOpen) {
    ContainerSpec spec;
    ASSERT_TRUE(apply_image(spec, image()));
    EXPECT_EQ(command_line(spec), (Words{"/entry", "default"}));
    EXPECT_EQ(spec.user, "app");
    EXPECT_EQ(spec.volumes, Words{"/data"});
    EXPECT_EQ(spec.exposed_ports, (std::vector<Port>{{80, "tcp"}}));
    EXPECT_EQ(spec.healthcheck->retries, 5);
}

TEST(ApplyImage, ACommandKeepsTheEntrypointAndAnEntrypointDropsTheCommand) {
    ContainerSpec with_command;
    with_command.cmd = Words{"other"};
    ASSERT_TRUE(apply_image(with_command, image()));
    EXPECT_EQ(command_line(with_command), (Words{"/entry", "other"}));
    ContainerSpec with_entrypoint;
    with_entrypoint.entrypoint = Words{"/mine"};
    ASSERT_TRUE(apply_image(with_entrypoint, image()));
    EXPECT_EQ(command_line(with_entrypoint), Words{"/mine"});
}

TEST(ApplyImage, AnEmptyEntrypointResetsIt) {
    ContainerSpec spec;
    spec.entrypoint = Words{""};
    EXPECT_EQ(apply_image(spec, image()).error().message(), "no command specified");
    spec.entrypoint = Words{""};
    spec.cmd = Words{"sh"};
    ASSERT_TRUE(apply_image(spec, image()));
    EXPECT_EQ(command_line(spec), Words{"sh"});
}

TEST(ApplyImage, TheCallersVariablesAndLabelsWin) {
    ContainerSpec spec;
    spec.env = {"A=mine", "PATH", "B=2"};
    spec.labels = {{"a", "mine"}};
    spec.healthcheck = Healthcheck{.test = {"NONE"}};
    ASSERT_TRUE(apply_image(spec, image()));
    EXPECT_EQ(spec.env, (Words{"A=mine", "B=2"}));
    EXPECT_EQ(spec.labels, (StringMap{{"a", "mine"}, {"b", "image"}}));
    EXPECT_EQ(spec.healthcheck->test, Words{"NONE"});
}

}  // namespace
}  // namespace berth::container
