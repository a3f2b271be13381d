#include "codec/toml.h"

#include <gtest/gtest.h>

namespace berth::codec {
namespace {

TEST(Toml, ReadsWhatRegistryConfigurationsHold) {
    const auto document = parse_toml(R"(# mirrors
server = "https://registry-1.docker.io"   # upstream
[host."https://mirror.local:5000/v2/hub"]
  capabilities = ["pull", 'resolve',
    "push", ] # several lines
  skip_verify = true
  override_path = false
  dial_timeout = 1_000
  client = [["/a.crt", "/a.key"], "/b.pem"]
[host."https://mirror.local:5000/v2/hub".header]
  x-custom = "a \"quoted\" \\ value"
  a.b = -3
)");
    ASSERT_TRUE(document) << document.error().message();
    const Json& host = (*document)["host"]["https://mirror.local:5000/v2/hub"];
    EXPECT_EQ((*document)["server"], "https://registry-1.docker.io");
    EXPECT_EQ(host["capabilities"], Json({"pull", "resolve", "push"}));
    EXPECT_EQ(host["skip_verify"], true);
    EXPECT_EQ(host["dial_timeout"], 1000);
    EXPECT_EQ(host["client"][0][1], "/a.key");
    EXPECT_EQ(host["header"]["x-custom"], "a \"quoted\" \\ value");
    EXPECT_EQ(host["header"]["a"]["b"], -3);
}

TEST(Toml, NamesTheLineOfAMistake) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a = 1\nb\n", "line 2: = is missing"},
        {"a = 1\na = 2\n", "line 2: the key is there twice"},
        {"a = \"x\n", "line 1: the string does not end"},
        {"a = [1, 2\n", "line 2: , or ] is missing"},
        {"[a\n", "line 1: ] is missing"},
        {"a = 1\n[a]\n", "line 2: the key is a value already"},
        {"a = nothing\n", "line 1: expected a string, an integer, true, false or an array"},
        {"a = 1 2\n", "line 1: unexpected text behind the value"},
        {"[[a]]\n", "line 1: arrays of tables are not understood"},
        {"a = \"\\q\"\n", "line 1: an escape that is not understood"},
    };
    for (const auto& [text, wanted] : cases) {
        const auto document = parse_toml(text);
        ASSERT_TRUE(document.is_error()) << text;
        EXPECT_EQ(document.error().message(), wanted);
    }
    EXPECT_TRUE(parse_toml("a = " + std::string(100, '[')).is_error());
}

}  // namespace
}  // namespace berth::codec
