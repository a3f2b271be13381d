#include "http/query.h"

#include <gtest/gtest.h>

#include "http/range.h"

namespace berth::http {
namespace {

TEST(Query, DecodesAndEncodes) {
    const auto query = Query::parse("a=1&b=x%2By+z&flag&a=2&=empty&c=%zz");
    EXPECT_EQ(query.get("a"), "1");
    EXPECT_EQ(query.all("a").size(), 2u);
    EXPECT_EQ(query.get("b"), "x+y z");
    EXPECT_TRUE(query.has("flag"));
    EXPECT_FALSE(query.flag("flag"));
    EXPECT_EQ(query.get("c"), "%zz");
    EXPECT_EQ(Query::parse(query.to_string()).fields(), query.fields());
}

TEST(Query, KnowsDockersBooleans) {
    const auto query = Query::parse("a=1&b=0&c=False&d=true&e=&f=yes&g=none");
    for (const auto* name : {"a", "d", "f"}) EXPECT_TRUE(query.flag(name)) << name;
    for (const auto* name : {"b", "c", "e", "g", "absent"})
        EXPECT_FALSE(query.flag(name, false)) << name;
    EXPECT_TRUE(query.flag("absent", true));
}

TEST(Range, ReadsTheFormsThatExist) {
    ByteRange range;
    EXPECT_EQ(parse_range("bytes=2-5", 10, range), RangeOutcome::Partial);
    EXPECT_EQ(range, (ByteRange{2, 4}));
    EXPECT_EQ(parse_range("bytes=8-", 10, range), RangeOutcome::Partial);
    EXPECT_EQ(range, (ByteRange{8, 2}));
    EXPECT_EQ(parse_range("bytes=-3", 10, range), RangeOutcome::Partial);
    EXPECT_EQ(range, (ByteRange{7, 3}));
    EXPECT_EQ(parse_range("bytes=0-99999999999999999999", 10, range), RangeOutcome::Whole);
    EXPECT_EQ(parse_range("bytes=10-", 10, range), RangeOutcome::Unsatisfiable);
    EXPECT_EQ(parse_range("bytes=0-1,4-5", 10, range), RangeOutcome::Whole);
    EXPECT_EQ(parse_range("lines=0-1", 10, range), RangeOutcome::Whole);
    EXPECT_EQ(parse_range("", 10, range), RangeOutcome::Whole);
}

}  // namespace
}  // namespace berth::http
