#include "shim/health_state.h"

#include <gtest/gtest.h>

namespace berth::shim {
namespace {

constexpr std::int64_t second = 1'000'000'000, millisecond = second / 1000, start = 100 * second;

/// Past its early probes.
HealthState make(std::int64_t start_period = 0) {
    HealthState health(
        {.command = {"true"}, .interval = 10 * second, .start_period = start_period, .retries = 2});
    health.restart(start);
    health.next_delay(start + second);
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

TEST(HealthState, ProbesEarlyAndThenWhenDockerDoes) {
    HealthState health({.command = {"true"}, .interval = 10 * second, .retries = 1});
    health.restart(start);
    std::int64_t now = start;
    std::vector<std::int64_t> at;
    while (now < start + 30 * second) {
        now += health.next_delay(now);
        at.push_back((now - start) / millisecond);
        const bool changed = health.add({.start = now, .exit_code = 1});
        EXPECT_EQ(changed, now == start + 10 * second) << "only an ordinary failure counts";
    }
    EXPECT_EQ(at,
              (std::vector<std::int64_t>{20, 40, 60, 90, 135, 202, 303, 455, 10000, 20000, 30000}));
    EXPECT_EQ(health.report(false).failing_streak, 3);
    EXPECT_EQ(health.report(false).log.size(), 3u);
}

TEST(HealthState, SeesAReadyServiceBeforeTheFirstInterval) {
    HealthState health({.command = {"true"}, .interval = 10 * second});
    health.restart(start);
    EXPECT_EQ(health.next_delay(start), 20 * millisecond);
    EXPECT_TRUE(health.add({.start = start + 20 * millisecond, .exit_code = 0}));
    EXPECT_EQ(health.status(), HealthStatus::Healthy);
    EXPECT_EQ(health.next_delay(start + 25 * millisecond), 10 * second);
    health.restart(2 * start);
    EXPECT_EQ(health.next_delay(2 * start), 20 * millisecond)
        << "the next run of the container is a new one";
}

TEST(HealthState, EndsASlowEarlyProbeWhenTheOrdinaryOneIsDue) {
    HealthState health(
        {.command = {"true"}, .interval = 2 * second, .timeout = 30 * second, .retries = 1});
    health.restart(start);
    EXPECT_EQ(health.next_delay(start), 20 * millisecond);
    EXPECT_EQ(health.time_limit(start + 20 * millisecond), 1980 * millisecond);
    EXPECT_FALSE(health.add({.start = start + 20 * millisecond, .exit_code = -1}));
    EXPECT_EQ(health.next_delay(start + 2 * second + 1), 0);
    EXPECT_EQ(health.time_limit(start + 2 * second + 1), 30 * second);
    EXPECT_TRUE(health.add({.start = start + 2 * second + 1, .exit_code = -1}));
    EXPECT_EQ(health.next_delay(start + 32 * second), 2 * second);
}

TEST(HealthState, KeepsAStartIntervalOfTheUsers) {
    HealthState health({.command = {"true"},
                        .interval = 10 * second,
                        .start_period = 30 * second,
                        .start_interval = second});
    health.restart(start);
    EXPECT_EQ(health.next_delay(start), second);
    EXPECT_EQ(health.time_limit(start + second), 30 * second);
}

TEST(HealthState, IsNotMisledByAClockSetBack) {
    HealthState health({.command = {"true"}, .interval = 10 * second});
    health.restart(start);
    EXPECT_EQ(health.next_delay(start - 3600 * second), 10 * second);
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
