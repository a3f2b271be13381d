#include "shim/health_state.h"

#include <gtest/gtest.h>

namespace berth::shim {
namespace {

constexpr std::int64_t second = 1'000'000'000;

HealthState make(std::int64_t start_period = 0) {
    HealthState health({.command = {"true"}, .interval = 10 * second, .start_period = start_period, .retries = 2});
    health.restart(100 * second);
    return health;
}

TEST(HealthState, IsOffWithoutACommand) {
    HealthState health;
    health.restart(0);
    EXPECT_FALSE(health.is_enabled());
    EXPECT_EQ(health.status(), HealthStatus::None);
}

TEST(HealthState, TurnsHealthyAtTheFirstSuccess) {
    HealthState health = make();
    EXPECT_EQ(health.status(), HealthStatus::Starting);
    EXPECT_TRUE(health.add({.start = 101 * second, .exit_code = 0}));
    EXPECT_EQ(health.status(), HealthStatus::Healthy);
    EXPECT_FALSE(health.add({.start = 111 * second, .exit_code = 0}));
}

TEST(HealthState, TurnsUnhealthyAfterItsRetriesAndBack) {
    HealthState health = make();
    EXPECT_FALSE(health.add({.start = 101 * second, .exit_code = 1}));
    EXPECT_TRUE(health.add({.start = 111 * second, .exit_code = 1}));
    EXPECT_EQ(health.report(true).failing_streak, 2);
    EXPECT_TRUE(health.add({.start = 121 * second, .exit_code = 0}));
    EXPECT_EQ(health.report(true).failing_streak, 0);
}

TEST(HealthState, ForgivesFailuresInTheStartPeriod) {
    HealthState health = make(30 * second);
    for (int i = 0; i < 5; ++i) health.add({.start = (101 + i) * second, .exit_code = 1});
    EXPECT_EQ(health.status(), HealthStatus::Starting);
    EXPECT_EQ(health.report(false).failing_streak, 0);
    EXPECT_EQ(health.next_delay(102 * second), 5 * second);
    EXPECT_EQ(health.next_delay(131 * second), 10 * second);
    health.add({.start = 131 * second, .exit_code = 1});
    EXPECT_TRUE(health.add({.start = 141 * second, .exit_code = 1}));
    EXPECT_EQ(health.status(), HealthStatus::Unhealthy);
}

TEST(HealthState, KeepsTheLastFiveResults) {
    HealthState health = make();
    for (int i = 0; i < 9; ++i) health.add({.start = i, .exit_code = i % 2});
    const Health report = health.report(false);
    ASSERT_EQ(report.log.size(), 5u);
    EXPECT_EQ(report.log.front().start, 4);
}

}  // namespace
}  // namespace berth::shim
