#include "container/mount_plan.h"

#include <gtest/gtest.h>

namespace berth::container {
namespace {

const MountsOf nobody = [](const std::string& name) -> Result<std::vector<MountRequest>> {
    return fail(ErrorCode::NotFound, "No such container: ", name);
};

TEST(ParseBind, TellsHostPathsFromVolumes) {
    const auto bind = parse_bind("/src:/dst:ro,rslave");
    ASSERT_TRUE(bind);
    EXPECT_EQ(bind->type, MountType::Bind);
    EXPECT_TRUE(bind->read_only);
    EXPECT_TRUE(bind->create_mountpoint);
    EXPECT_EQ(bind->propagation, "rslave");
    const auto volume = parse_bind("data:/dst:nocopy");
    EXPECT_EQ(volume->type, MountType::Volume);
    EXPECT_EQ(volume->source, "data");
    EXPECT_TRUE(volume->no_copy);
    EXPECT_EQ(parse_bind("/only")->target, "/only");
}

TEST(ParseBind, RefusesWhatItDoesNotKnow) {
    for (const char* text : {"", ":/a", "/a:", "/a:b", "/a:/b:what", "/a:/b:ro:x", "a:b"})
        EXPECT_FALSE(parse_bind(text)) << text;
}

TEST(ParseSize, KnowsUnits) {
    EXPECT_EQ(*parse_size("64m"), 64 << 20);
    EXPECT_EQ(*parse_size("1Gb"), 1 << 30);
    EXPECT_EQ(*parse_size("5b"), 5);
    for (const char* text : {"", "m", "-1", "9999999999999t", "1x"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(PlanMounts, RefusesTwoMountsOnOneTarget) {
    ContainerSpec spec;
    spec.host.binds = {"/a:/data", "/b:/data/"};
    EXPECT_EQ(plan_mounts(spec, nobody).error().message(), "Duplicate mount point: /data");
}

TEST(PlanMounts, AddsAnonymousVolumesWhereNothingElseIs) {
    ContainerSpec spec;
    spec.volumes = {"/data", "/logs", "/tmp/x"};
    spec.host.binds = {"named:/data"};
    spec.host.tmpfs = {{"/tmp/x", ""}};
    const auto plan = plan_mounts(spec, nobody);
    ASSERT_TRUE(plan);
    ASSERT_EQ(plan->size(), 2u);
    EXPECT_EQ((*plan)[0].source, "named");
    EXPECT_EQ((*plan)[1].target, "/logs");
    EXPECT_EQ((*plan)[1].source, "");
}

TEST(PlanMounts, TakesTheVolumesOfOthersBelowItsOwn) {
    ContainerSpec spec;
    spec.host.volumes_from = {"db:ro"};
    spec.host.binds = {"mine:/b"};
    const auto plan =
        plan_mounts(spec, [](const std::string&) -> Result<std::vector<MountRequest>> {
            return std::vector<MountRequest>{{.source = "x", .target = "/a"},
                                             {.source = "y", .target = "/b"}};
        });
    ASSERT_TRUE(plan);
    ASSERT_EQ(plan->size(), 2u);
    EXPECT_EQ((*plan)[0].source, "x");
    EXPECT_TRUE((*plan)[0].read_only);
    EXPECT_EQ((*plan)[1].source, "mine");
    spec.host.volumes_from = {"gone"};
    EXPECT_FALSE(plan_mounts(spec, nobody));
}

}  // namespace
}  // namespace berth::container
