#include "compose/running_project.h"

#include <gtest/gtest.h>

namespace berth::compose {
namespace {

TEST(RunningProject, ReadsDependenciesFromTheLabel) {
    const auto found = parse_dependency_label(
        "db:service_healthy:false,seed:service_completed_successfully:true,cache:service_started:"
        "0");
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].service, "db");
    EXPECT_EQ(found[0].condition, Condition::Healthy);
    EXPECT_FALSE(found[0].restart);
    EXPECT_EQ(found[1].condition, Condition::CompletedSuccessfully);
    EXPECT_TRUE(found[1].restart);
    EXPECT_EQ(found[2].condition, Condition::Started);
}

TEST(RunningProject, LeavesOutWhatItDoesNotUnderstand) {
    EXPECT_TRUE(parse_dependency_label("").empty());
    EXPECT_TRUE(parse_dependency_label("nonsense,:service_started").empty());
}

}  // namespace
}  // namespace berth::compose
