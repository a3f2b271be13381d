#include "shim/restart_policy.h"

#include <gtest/gtest.h>

namespace berth::shim {
namespace {
using namespace std::chrono_literals;

TEST(RestartPolicy, NeverRestartsWithoutAPolicy) {
    RestartPolicy policy({.mode = RestartMode::No}, 0);
    EXPECT_FALSE(policy.after_exit(1, false, 1s));
}

TEST(RestartPolicy, DoublesTheDelayUpToAMinute) {
    RestartPolicy policy({.mode = RestartMode::Always}, 0);
    std::chrono::milliseconds expected = 100ms;
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(policy.after_exit(0, false, 1ms), expected);
        expected = std::min<std::chrono::milliseconds>(expected * 2, 60s);
    }
    EXPECT_EQ(policy.restart_count(), 20);
}

TEST(RestartPolicy, StartsOverAfterTenSecondsOfRunning) {
    RestartPolicy policy({.mode = RestartMode::UnlessStopped}, 0);
    EXPECT_EQ(policy.after_exit(1, false, 1s), 100ms);
    EXPECT_EQ(policy.after_exit(1, false, 1s), 200ms);
    EXPECT_EQ(policy.after_exit(1, false, 10s), 100ms);
}

TEST(RestartPolicy, StaysEndedWhenStoppedByHand) {
    RestartPolicy policy({.mode = RestartMode::Always}, 0);
    EXPECT_FALSE(policy.after_exit(1, true, 1s));
    EXPECT_EQ(policy.restart_count(), 0);
}

TEST(RestartPolicy, OnFailureCountsItsRetriesAndIgnoresSuccess) {
    RestartPolicy policy({.mode = RestartMode::OnFailure, .max_retries = 2}, 0);
    EXPECT_FALSE(policy.after_exit(0, false, 1s));
    EXPECT_TRUE(policy.after_exit(1, false, 1s));
    EXPECT_TRUE(policy.after_exit(1, false, 1s));
    EXPECT_FALSE(policy.after_exit(1, false, 1s));
    RestartPolicy unlimited({.mode = RestartMode::OnFailure}, 1000);
    EXPECT_TRUE(unlimited.after_exit(137, false, 1s));
}

TEST(RestartPolicy, CountsFailuresUntilARunOfTenSeconds) {
    RestartPolicy policy({.mode = RestartMode::Unhealthy, .max_retries = 5}, 0);
    EXPECT_TRUE(policy.stops_unhealthy());
    EXPECT_TRUE(policy.after_exit(1, false, 1s));
    EXPECT_TRUE(policy.after_exit(1, false, 1s));
    EXPECT_EQ(policy.failures_in_row(), 2);
    EXPECT_TRUE(policy.after_exit(1, false, 11s));
    EXPECT_EQ(policy.failures_in_row(), 1);
    EXPECT_FALSE(policy.after_exit(0, false, 1s));
}

TEST(RestartPolicy, AnUpdateTakesEffectAtTheNextExit) {
    RestartPolicy policy({.mode = RestartMode::No}, 0);
    policy.update({.mode = RestartMode::Always});
    EXPECT_TRUE(policy.after_exit(0, false, 1s));
}

}  // namespace
}  // namespace berth::shim
