#include "base/text.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace berth {
namespace {

using namespace std::chrono_literals;

TEST(Text, SplitsAndJoins) {
    EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string>{"a", "b", "", "c"}));
    EXPECT_EQ(join(split("a,b", ','), "+"), "a+b");
    EXPECT_FALSE(split_once("abc", '='));
}

TEST(Text, ParsesOnlyWholeNumbers) {
    EXPECT_EQ(parse_int("-12"), -12);
    EXPECT_FALSE(parse_int("12 "));
    EXPECT_FALSE(parse_int(""));
    EXPECT_FALSE(parse_uint("-1"));
    EXPECT_FALSE(parse_uint("99999999999999999999"));
    EXPECT_EQ(parse_octal("0755"), 0755u);
}

TEST(Text, HexRoundTrips) {
    EXPECT_EQ(to_hex(as_bytes("\x01\xff")), "01ff");
    EXPECT_EQ(as_text(*from_hex("6869")), "hi");
    EXPECT_FALSE(from_hex("6"));
    EXPECT_FALSE(from_hex("zz"));
}

TEST(Text, FindsTheNearestName) {
    const std::vector<std::string> names{"build", "run", "images"};
    EXPECT_EQ(nearest("biuld", names), "build");
    EXPECT_FALSE(nearest("xyzzy", names));
}

TEST(Clock, DurationsFollowGo) {
    EXPECT_EQ(parse_duration("1m30s"), 90s);
    EXPECT_EQ(parse_duration("1.5h"), 90min);
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_FALSE(parse_duration("10"));
    EXPECT_FALSE(parse_duration(""));
    EXPECT_FALSE(parse_duration("1x"));
    EXPECT_EQ(format_duration(90s), "1m30s");
    EXPECT_EQ(format_duration(1500ms), "1.5s");
    EXPECT_EQ(format_duration(1h), "1h0m0s");
}

TEST(Clock, TimesRoundTrip) {
    for (const std::string text :
         {"2026-11-23T10:00:00Z", "2026-11-23T10:00:00.5Z", "1969-12-31T23:59:59.000000001Z"}) {
        const auto time = parse_rfc3339(text);
        ASSERT_TRUE(time) << text;
        EXPECT_EQ(to_rfc3339(*time), text);
    }
    EXPECT_EQ(parse_rfc3339("2026-11-23T11:00:00+01:00"), parse_rfc3339("2026-11-23T10:00:00Z"));
    EXPECT_FALSE(parse_rfc3339("2026-13-01T00:00:00Z"));
    EXPECT_FALSE(parse_rfc3339("2026-11-23"));
}

}  // namespace
}  // namespace berth
