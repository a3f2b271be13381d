#include "codec/ignore_pattern.h"

#include <gtest/gtest.h>

namespace berth::codec {
namespace {

struct MatchCase {
    const char* pattern;
    const char* path;
    bool matches;
};

class Matching : public testing::TestWithParam<MatchCase> {};

TEST_P(Matching, FollowsGoAndDoubleStars) {
    const auto& [pattern, path, matches] = GetParam();
    EXPECT_EQ(match_pattern(pattern, path), matches) << pattern << " on " << path;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Matching,
    testing::Values(MatchCase{"a", "a", true}, MatchCase{"a", "b", false},
                    MatchCase{"*", "abc", true}, MatchCase{"*", "a/b", false},
                    MatchCase{"a*c", "abbc", true}, MatchCase{"a?c", "abc", true},
                    MatchCase{"a?c", "a/c", false}, MatchCase{"[a-c]x", "bx", true},
                    MatchCase{"[^a-c]x", "bx", false}, MatchCase{"[^a-c]x", "dx", true},
                    MatchCase{"\\*", "*", true}, MatchCase{"\\*", "a", false},
                    MatchCase{"**", "a/b/c", true}, MatchCase{"**/b", "b", true},
                    MatchCase{"**/b", "a/x/b", true}, MatchCase{"a/**", "a/b/c", true},
                    MatchCase{"a/**/c", "a/c", true}, MatchCase{"a/**/c", "a/x/y/c", true},
                    MatchCase{"a/**/c", "b/c", false}, MatchCase{"*.go", "x.go", true},
                    MatchCase{"*.go", "d/x.go", false}, MatchCase{"**/*.go", "d/e/x.go", true},
                    MatchCase{"[", "[", false},
                    MatchCase{"*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false}));

struct ExcludeCase {
    const char* patterns;
    const char* path;
    bool excluded;
};

class Excluding : public testing::TestWithParam<ExcludeCase> {};

TEST_P(Excluding, LastMatchWins) {
    const auto& [text, path, excluded] = GetParam();
    const auto patterns = IgnorePatterns::parse(text);
    ASSERT_TRUE(patterns);
    EXPECT_EQ(patterns->excludes(path), excluded) << text << " on " << path;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Excluding,
    testing::Values(ExcludeCase{"node_modules", "node_modules/a/b.js", true},
                    ExcludeCase{"node_modules", "src/node_modules", false},
                    ExcludeCase{"**/node_modules", "x/node_modules/y", true},
                    ExcludeCase{"/dist\n", "dist/x", true}, ExcludeCase{"dist/", "dist", true},
                    ExcludeCase{"# dist\n", "# dist", false},
                    ExcludeCase{"*\n!src", "src/main.c", false},
                    ExcludeCase{"*\n!src\nsrc/*.o", "src/a.o", true},
                    ExcludeCase{"*.md\n!README.md", "README.md", false},
                    ExcludeCase{"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
                    ExcludeCase{"./a/../b", "b", true},
                    ExcludeCase{"  spaced  \r\n", "spaced", true}, ExcludeCase{".", "a", false},
                    ExcludeCase{"**", "a/b", true},
                    ExcludeCase{"\xEF\xBB\xBF"
                                "a",
                                "a", true}));

TEST(IgnorePatterns, NamesTheLineOfAMalformedPattern) {
    const auto patterns = IgnorePatterns::parse("ok\n[a\n");
    ASSERT_TRUE(patterns.is_error());
    EXPECT_NE(patterns.error().message().find(".dockerignore:2"), std::string::npos);
    EXPECT_TRUE(IgnorePatterns::parse("!").is_error());
}

TEST(IgnorePatterns, SkipsADirectoryOnlyWhenNothingBelowCanComeBack) {
    const auto patterns = IgnorePatterns::parse("*\n!src/keep/*.c\n");
    ASSERT_TRUE(patterns);
    EXPECT_TRUE(patterns->can_skip_directory("docs"));
    EXPECT_FALSE(patterns->can_skip_directory("src"));
    EXPECT_FALSE(patterns->can_skip_directory("src/keep"));
    EXPECT_TRUE(patterns->can_skip_directory("src/other"));
    const auto anywhere = IgnorePatterns::parse("*\n!**/README.md\n");
    ASSERT_TRUE(anywhere);
    EXPECT_FALSE(anywhere->can_skip_directory("docs/deep"));
    const auto plain = IgnorePatterns::parse("docs\n");
    ASSERT_TRUE(plain);
    EXPECT_TRUE(plain->can_skip_directory("docs/deep"));
    EXPECT_FALSE(plain->can_skip_directory("src"));
}

}  // namespace
}  // namespace berth::codec
