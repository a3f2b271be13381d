#include "compose/interpolate.h"

#include <gtest/gtest.h>

#include "compose/env_file.h"

namespace berth::compose {
namespace {

const Environment environment{{"A", "one"}, {"EMPTY", ""}, {"B_2", "two"}};

TEST(Interpolate, FollowsTheSpecification) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"plain", "plain"},
        {"$A", "one"},
        {"x${A}y", "xoney"},
        {"$B_2.", "two."},
        {"$$A", "$A"},
        {"${MISSING:-d}", "d"},
        {"${EMPTY:-d}", "d"},
        {"${EMPTY-d}", ""},
        {"${A:-d}", "one"},
        {"${A:+alt}", "alt"},
        {"${EMPTY:+alt}", ""},
        {"${EMPTY+alt}", "alt"},
        {"${X:-${Y:-deep}}", "deep"},
        {"${X:-a}${A}", "aone"},
        {"${MISSING}", ""},
    };
    for (const auto& [text, expected] : cases) {
        Warnings warnings;
        const auto result = interpolate(text, environment, warnings);
        ASSERT_TRUE(result) << text;
        EXPECT_EQ(*result, expected) << text;
        EXPECT_EQ(warnings.size(), text == "${MISSING}" ? 1u : 0u) << text;
    }
}

TEST(Interpolate, RefusesMalformedExpressions) {
    for (const std::string text :
         {"${A", "$", "${}", "${1}", "a $ b", "${A!b}", "${MISSING:?needed}"}) {
        Warnings warnings;
        EXPECT_TRUE(interpolate(text, environment, warnings).is_error()) << text;
    }
    Warnings warnings;
    EXPECT_EQ(interpolate("${MISSING:?set it}", environment, warnings).error().message(),
              "required variable MISSING is missing a value: set it");
}

TEST(EnvFile, ReadsWhatDotenvFilesHold) {
    const auto result = parse_env_file(
        "# comment\nA=1\nexport B=two # tail\nC='lit $A'\nD=\"q "
        "$A\\n\"\nE=$A-$B\n\nF=\nG\nH=a#b\nM='x\ny'\n",
        ".env", {});
    ASSERT_TRUE(result) << result.error().message();
    std::string text;
    for (const auto& [name, value] : *result) text += name + "=" + value.value_or("<shell>") + "|";
    EXPECT_EQ(text, "A=1|B=two|C=lit $A|D=q 1\n|E=1-two|F=|G=<shell>|H=a#b|M=x\ny|");
}

TEST(EnvFile, PointsAtTheMistake) {
    const auto result = parse_env_file("A=1\nB=\"open\n", "my.env", {});
    ASSERT_TRUE(result.is_error());
    EXPECT_EQ(result.error().message(),
              "my.env:2:3: quote is never closed\n  2 | B=\"open\n    |   ^");
}

}  // namespace
}  // namespace berth::compose
