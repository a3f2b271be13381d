#include "build/dockerfile/expand.h"

#include <gtest/gtest.h>

#include <map>

#include "base/text.h"

namespace berth::build::dockerfile {
namespace {

Expander make_expander() {
    static const std::map<std::string, std::string, std::less<>> variables{
        {"A", "a"},
        {"EMPTY", ""},
        {"SPACED", "x y"},
        {"PATH", "/usr/bin:/bin"},
        {"FILE", "/src/app/main.tar.gz"},
        {"STAR", "a*b"}};
    return Expander(
        [](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        '\\');
}

struct Case {
    const char* text;
    const char* expected;
};

class ExpandsWords : public testing::TestWithParam<Case> {};

TEST_P(ExpandsWords, AsTheReferenceSays) {
    const auto result = make_expander().expand_word(GetParam().text);
    ASSERT_TRUE(result) << GetParam().text << ": " << result.error().message();
    EXPECT_EQ(*result, GetParam().expected) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ExpandsWords,
    testing::Values(Case{"plain", "plain"}, Case{"$A", "a"}, Case{"${A}b", "ab"}, Case{"$Ab", ""},
                    Case{"$", "$"}, Case{"a$", "a$"}, Case{"\\$A", "$A"}, Case{"'$A'", "$A"},
                    Case{"\"$A\"", "a"}, Case{"\"\\$A\"", "$A"}, Case{"\"a\\b\"", "a\\b"},
                    Case{"'a\\b'", "a\\b"}, Case{"a\\ b", "a b"}, Case{"${NONE:-x}", "x"},
                    Case{"${NONE-x}", "x"}, Case{"${EMPTY:-x}", "x"}, Case{"${EMPTY-x}", ""},
                    Case{"${A:+x}", "x"}, Case{"${EMPTY:+x}", ""}, Case{"${EMPTY+x}", "x"},
                    Case{"${NONE:+x}", ""}, Case{"${NONE:-${A}b}", "ab"},
                    Case{"${NONE:-a b}", "a b"}, Case{"${A:?no}", "a"},
                    Case{"${FILE#*/}", "src/app/main.tar.gz"}, Case{"${FILE##*/}", "main.tar.gz"},
                    Case{"${FILE%.*}", "/src/app/main.tar"}, Case{"${FILE%%.*}", "/src/app/main"},
                    Case{"${PATH/bin/lib}", "/usr/lib:/bin"},
                    Case{"${PATH//bin/lib}", "/usr/lib:/lib"}, Case{"${PATH//bin}", "/usr/:/"},
                    Case{"${STAR/\\*/-}", "a-b"}, Case{"${A}${A}", "aa"},
                    Case{"x${SPACED}y", "xx yy"}, Case{"$1", ""}, Case{"", ""}));

TEST(Expand, SplitsWords) {
    const auto words = make_expander().expand_words("one $SPACED \"$SPACED\" '' $EMPTY end");
    ASSERT_TRUE(words);
    EXPECT_EQ(*words, (std::vector<std::string>{"one", "x", "y", "x y", "", "end"}));
}

TEST(Expand, KeepsQuotesInHeredocs) {
    const auto text = make_expander().expand_heredoc("\"$A\" 'it''s' \\$A \\n ${NONE:-d}\n");
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "\"a\" 'it''s' $A \\n d\n");
}

TEST(Expand, RefusesBrokenSyntax) {
    for (const char* text : {"${A", "${", "${}", "${A:", "${A:x}", "${A!x}", "'a", "\"a",
                             "${NONE:?}", "${NONE?gone}", "${A:-x", "${-:"}) {
        const auto result = make_expander().expand_word(text);
        ASSERT_TRUE(result.is_error()) << text;
        EXPECT_TRUE(result.error().is(ErrorCode::InvalidArgument));
    }
}

TEST(Expand, NotesWhatIsUndefined) {
    Expander expander = make_expander();
    ASSERT_TRUE(expander.expand_word("$A $NONE ${OTHER:-x}"));
    EXPECT_EQ(expander.undefined(), (std::set<std::string>{"NONE"}));
}

TEST(Expand, BoundsNesting) {
    std::string text;
    for (int i = 0; i < 10000; ++i) text += "${N:-";
    const auto result = make_expander().expand_word(text);
    ASSERT_TRUE(result.is_error());
}

}  // namespace
}  // namespace berth::build::dockerfile
