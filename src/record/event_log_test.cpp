#include "record/event_log.h"

#include <gtest/gtest.h>

#include <thread>

namespace berth::record {
namespace {

using namespace std::chrono_literals;

class FakeClock final : public Clock {
public:
    Timestamp now() const override { return time; }
    std::chrono::steady_clock::time_point steady_now() const override {
        return std::chrono::steady_clock::now();
    }
    Timestamp time{1000s};
};

TEST(EventLog, GivesOnlyFutureEventsByDefault) {
    FakeClock clock;
    EventLog log(clock);
    log.append({"container", "create", "a", {}});
    auto subscription = log.subscribe({});
    log.append({"container", "start", "a", {{"name", "web"}}});
    auto event = subscription.next({});
    ASSERT_TRUE(event);
    EXPECT_EQ(event->action, "start");
    EXPECT_EQ(event->attribute("name"), "web");
    EXPECT_EQ(event->time, Timestamp(1000s));
}

TEST(EventLog, GivesThePastBetweenSinceAndUntilAndEnds) {
    FakeClock clock;
    EventLog log(clock);
    for (int i = 0; i < 5; ++i, clock.time += 1s)
        log.append({"volume", std::to_string(i), "v", {}});
    auto subscription = log.subscribe({.since = Timestamp(1001s), .until = Timestamp(1003s)});
    std::string seen;
    while (auto event = subscription.next({})) seen += event->action;
    EXPECT_EQ(seen, "123");
}

TEST(EventLog, AppliesTheFilter) {
    FakeClock clock;
    EventLog log(clock);
    auto subscription = log.subscribe({.filter = [](const Event& e) { return e.type == "image"; }});
    log.append({"volume", "create", "v", {}});
    log.append({"image", "pull", "i", {}});
    EXPECT_EQ(subscription.next({})->type, "image");
}

TEST(EventLog, DropsTheOldestBeyondItsCapacity) {
    FakeClock clock;
    EventLog log(clock, 3);
    auto subscription = log.subscribe({});
    for (int i = 0; i < 10; ++i) log.append({"volume", std::to_string(i), "v", {}});
    EXPECT_EQ(subscription.next({})->action, "7");
}

TEST(EventLog, WaitsForTheNextEvent) {
    SystemClock clock;
    EventLog log(clock);
    auto subscription = log.subscribe({});
    std::jthread writer([&] { log.append({"network", "create", "n", {}}); });
    EXPECT_EQ(subscription.next({})->type, "network");
}

TEST(EventLog, EndsWhenStoppedOrClosed) {
    SystemClock clock;
    EventLog log(clock);
    auto subscription = log.subscribe({});
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_FALSE(subscription.next(stop.get_token()));
    log.close();
    EXPECT_FALSE(subscription.next({}));
}

TEST(EventLog, TellsATimeOutFromTheEnd) {
    SystemClock clock;
    EventLog log(clock);
    auto subscription = log.subscribe({});
    bool expired = false;
    EXPECT_FALSE(subscription.next_for(1ms, expired, {}));
    EXPECT_TRUE(expired);
    auto ended = log.subscribe({.until = clock.now()});
    EXPECT_FALSE(ended.next_for(1h, expired, {}));
    EXPECT_FALSE(expired);
}

}  // namespace
}  // namespace berth::record
