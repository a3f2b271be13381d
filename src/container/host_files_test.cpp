#include "container/host_files.h"

#include <gtest/gtest.h>

namespace berth::container {
namespace {

TEST(ResolvConf, IsReadAndWritten) {
    const auto config = parse_resolv_conf(
        "# c\nnameserver\t10.0.0.1\nnameserver 127.0.0.1 # x\nsearch a.b c.d\noptions ndots:2 "
        "edns0\nbroken\n");
    EXPECT_EQ(config.servers, (std::vector<std::string>{"10.0.0.1", "127.0.0.1"}));
    EXPECT_EQ(config.search, (std::vector<std::string>{"a.b", "c.d"}));
    EXPECT_EQ(config.options, (std::vector<std::string>{"ndots:2", "edns0"}));
    EXPECT_EQ(without_loopback(config).servers, std::vector<std::string>{"10.0.0.1"});
    EXPECT_EQ(parse_resolv_conf(make_resolv_conf(config)).servers, config.servers);
}

TEST(ResolvConf, ADotMeansNoSearchList) {
    EXPECT_EQ(make_resolv_conf({.search = {"."}}).find("search"), std::string::npos);
}

TEST(Hosts, ListsEntriesAfterLoopback) {
    const std::string text = make_hosts({{"10.0.0.2", {"web", "w"}}});
    EXPECT_TRUE(text.starts_with("127.0.0.1\tlocalhost\n"));
    EXPECT_TRUE(text.ends_with("10.0.0.2\tweb w\n"));
}

TEST(ExtraHost, TakesBothSeparatorsAndBrackets) {
    EXPECT_EQ(parse_extra_host("db:10.0.0.1")->second, "10.0.0.1");
    EXPECT_EQ(parse_extra_host("db=::1")->second, "::1");
    EXPECT_EQ(parse_extra_host("db:[::1]")->second, "::1");
    for (const char* text : {"", "db", ":1.2.3.4", "db:"})
        EXPECT_FALSE(parse_extra_host(text)) << text;
}

}  // namespace
}  // namespace berth::container
