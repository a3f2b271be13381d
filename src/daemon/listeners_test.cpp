#include "daemon/listeners.h"

#include <gtest/gtest.h>

#include "daemon/container_filter.h"
#include "daemon/container_json.h"
#include "daemon/stream_type.h"

namespace berth::daemon {
namespace {

using namespace std::chrono_literals;

TEST(FindGroup, ReadsTheNumber) {
    EXPECT_EQ(find_group("root:x:0:\nberth:x:998:alice,bob\n", "berth"), 998);
    EXPECT_EQ(find_group("root:x:0:\nberthx:x:998:\n\nbroken\n", "berth"), std::nullopt);
}

TEST(HumanDuration, SpeaksAsDockerDoes) {
    const std::pair<std::chrono::nanoseconds, const char*> cases[] = {
        {200ms, "Less than a second"},
        {1s, "1 second"},
        {59s, "59 seconds"},
        {60s, "About a minute"},
        {3min, "3 minutes"},
        {1h, "About an hour"},
        {47h, "47 hours"},
        {24h * 9, "9 days"},
        {24h * 20, "2 weeks"},
        {24h * 90, "3 months"},
        {24h * 1000, "2 years"},
    };
    for (const auto& [duration, text] : cases) EXPECT_EQ(human_duration(duration), text);
}

TEST(StatusText, TellsEveryState) {
    const Timestamp now(1000s);
    container::State state{.status = container::Status::Running, .started_at = Timestamp(940s)};
    EXPECT_EQ(status_text(state, now), "Up About a minute");
    state.health.status = "healthy";
    EXPECT_EQ(status_text(state, now), "Up About a minute (healthy)");
    state.health.status = "starting";
    EXPECT_EQ(status_text(state, now), "Up About a minute (health: starting)");
    state.status = container::Status::Exited;
    state.exit_code = 3;
    state.finished_at = Timestamp(998s);
    EXPECT_EQ(status_text(state, now), "Exited (3) 2 seconds ago");
    state.status = container::Status::Created;
    EXPECT_EQ(status_text(state, now), "Created");
}

TEST(ParseTime, ReadsTheFormsOfTheApi) {
    const Timestamp now(1000s);
    EXPECT_EQ(parse_time("", now).value(), std::nullopt);
    EXPECT_EQ(parse_time("12.5", now).value(), Timestamp(12s + 500ms));
    EXPECT_EQ(parse_time("10s", now).value(), Timestamp(990s));
    EXPECT_EQ(parse_time("1970-01-01T00:00:07Z", now).value(), Timestamp(7s));
    EXPECT_TRUE(parse_time("soon", now).is_error());
}

TEST(DetachKeys, ReadsLettersAndControls) {
    EXPECT_EQ(parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
    EXPECT_EQ(parse_detach_keys("a,ctrl-@"), std::string("a\0", 2));
    EXPECT_EQ(parse_detach_keys("ctrl-["), "\x1b");
    EXPECT_FALSE(parse_detach_keys("ctrl-1"));
    EXPECT_FALSE(parse_detach_keys("escape"));
}

TEST(StreamType, NamesFramesFrom142On) {
    EXPECT_EQ(stream_type(false, {1, 42}), "application/vnd.docker.multiplexed-stream");
    EXPECT_EQ(stream_type(false, {1, 41}), "application/vnd.docker.raw-stream");
    EXPECT_EQ(stream_type(true, {1, 51}), "application/vnd.docker.raw-stream");
}

}  // namespace
}  // namespace berth::daemon
