#include "codec/yaml.h"

#include <gtest/gtest.h>

namespace berth::codec {
namespace {

// Directives with such bytes keep libfyaml busy for ever.
TEST(Yaml, TextThatIsNotUtf8IsRefusedWithItsPlace) {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {"%\xC1\n"sv, "%\0,,,\xC1"sv, "a: \xED\xA0\x80"sv, "a: \xF4\x90\x80\x80"sv,
          "a: \xE0\x80\x80"sv, "a: \xE2\x82"sv}) {
        const auto root = parse_yaml(text, "f.yaml");
        ASSERT_TRUE(root.is_error());
        EXPECT_NE(root.error().message().find("not UTF-8"), std::string::npos);
    }
    EXPECT_EQ(parse_yaml("a: b\nc: \xC1"sv, "f.yaml").error().message(),
              "f.yaml:2:4: the file is not UTF-8 text");
    EXPECT_FALSE(parse_yaml("a: \xE2\x82\xAC \xF0\x9F\x90\xB3"sv, "f.yaml").is_error());
}

TEST(Yaml, KnowsWhereEverythingStands) {
    const auto root = parse_yaml(
        "services:\n  web:\n    image: nginx\n    ports:\n      - \"80:80\"\n", "compose.yaml");
    ASSERT_TRUE(root);
    const YamlNode* web = root->find("services")->find("web");
    EXPECT_EQ(web->find("image")->at.to_string(), "compose.yaml:3:12");
    EXPECT_EQ(web->find("ports")->items.at(0).at.to_string(), "compose.yaml:5:9");
    EXPECT_FALSE(web->find("ports")->items.at(0).is_plain);
}

TEST(Yaml, ResolvesAliasesAndMergeKeys) {
    const auto root = parse_yaml("x-a: &a {one: 1, two: 2}\nb:\n  <<: *a\n  two: 3\nc: *a\n", "f");
    ASSERT_TRUE(root);
    EXPECT_EQ(to_json(*root->find("b")).dump(), R"({"two":3,"one":1})");
    EXPECT_EQ(to_json(*root->find("c")).dump(), R"({"one":1,"two":2})");
}

TEST(Yaml, TypesOnlyPlainScalars) {
    const auto root =
        parse_yaml("a: yes\nb: true\nc: \"true\"\nd: 0x10\ne: 1.5\nf: ~\ng: !reset null\n", "f");
    ASSERT_TRUE(root);
    EXPECT_EQ(to_json(*root).dump(),
              R"({"a":"yes","b":true,"c":"true","d":16,"e":1.5,"f":null,"g":null})");
    EXPECT_EQ(root->find("g")->tag, "!reset");
}

TEST(Yaml, PointsAtTheMistake) {
    const auto root = parse_yaml("a: 1\nb: [1, 2\nc: 3\n", "f.yaml");
    ASSERT_TRUE(root.is_error());
    EXPECT_NE(root.error().message().find("f.yaml:"), std::string::npos) << root.error().message();
    EXPECT_NE(root.error().message().find("^"), std::string::npos) << root.error().message();
    const auto twice = parse_yaml("a: 1\na: 2\n", "f.yaml");
    ASSERT_TRUE(twice.is_error());
    EXPECT_EQ(twice.error().message(), "f.yaml:2:1: key \"a\" appears twice\n  2 | a: 2\n    | ^");
}

TEST(Yaml, BoundsAliasBombs) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        text += concat("a", i, ": &a", i, " [");
        for (int j = 0; j < 10; ++j) text += concat(j ? ", " : "", "*a", i - 1);
        text += "]\n";
    }
    const auto root = parse_yaml(text, "f");
    ASSERT_TRUE(root.is_error());
    EXPECT_EQ(root.error().code(), ErrorCode::InvalidArgument);
}

TEST(Yaml, DumpsWhatItReadsBack) {
    const std::string text =
        "name: \"5\"\nlist:\n  - a\n  - key: value\n    other: \"yes\"\n  - - nested\nempty: "
        "{}\nnone: null\ncolon: \"a: b\"\nport: 80:80\n";
    const auto root = parse_yaml(text, "f");
    ASSERT_TRUE(root);
    const std::string dumped = dump_yaml(*root);
    const auto again = parse_yaml(dumped, "g");
    ASSERT_TRUE(again) << dumped;
    EXPECT_TRUE(*root == *again) << dumped;
}

}  // namespace
}  // namespace berth::codec
