#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/container/detach_keys.h"
#include "cli/container/exit_code.h"
#include "cli/parse/environment.h"
#include "cli/parse/mount.h"
#include "cli/parse/network.h"
#include "cli/parse/port.h"
#include "cli/parse/resources.h"

namespace berth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PublishedPorts, ReadAllForms) {
    const std::vector<std::pair<std::string, std::vector<PublishedPort>>> cases = {
        {"80", {{"", "", "80/tcp"}}},
        {"8080:80", {{"", "8080", "80/tcp"}}},
        {"127.0.0.1:8080:80/udp", {{"127.0.0.1", "8080", "80/udp"}}},
        {"127.0.0.1::80", {{"127.0.0.1", "", "80/tcp"}}},
        {"[::1]:8080:80", {{"::1", "8080", "80/tcp"}}},
        {"8000-8001:80-81", {{"", "8000", "80/tcp"}, {"", "8001", "81/tcp"}}},
        {"8000-8010:80", {{"", "8000-8010", "80/tcp"}}},
        {"3000-3001", {{"", "", "3000/tcp"}, {"", "", "3001/tcp"}}},
    };
    for (const auto& [text, expected] : cases) {
        auto parsed = parse_published(text);
        ASSERT_TRUE(parsed) << text << ": " << parsed.error().message();
        EXPECT_EQ(*parsed, expected) << text;
    }
}

TEST(PublishedPorts, RefuseWhatIsNoPort) {
    for (const char* text :
         {"", ":", "0:80", "99999:80", "80:", "a:80", "80/icmp", "8000-8002:80-81", "82-80",
          "1.2.3:80:80", "[::1:80:80", "-1", "80-"}) {
        EXPECT_FALSE(parse_published(text)) << text;
    }
}

TEST(Volumes, ReadAllForms) {
    const auto parse = [](std::string_view text) {
        return *parse_volume(text, "/work", "/home/me");
    };
    EXPECT_EQ(parse("/data"), (VolumeFlag{"", "/data", ""}));
    EXPECT_EQ(parse("vol:/data:ro"), (VolumeFlag{"vol", "/data", "ro"}));
    EXPECT_EQ(parse("./src:/src"), (VolumeFlag{"/work/src", "/src", ""}));
    EXPECT_EQ(parse("../x:/src"), (VolumeFlag{"/x", "/src", ""}));
    EXPECT_EQ(parse("~/x:/src"), (VolumeFlag{"/home/me/x", "/src", ""}));
    EXPECT_EQ(parse("/a/../b/:/c:ro,z"), (VolumeFlag{"/b", "/c", "ro,z"}));
    for (const char* text : {"", "a", ":/x", "vol:x", "a:/b:ro:d", "vol:/", "vo/l:/x", "/a:/"}) {
        EXPECT_FALSE(parse_volume(text, "/work", "/home/me")) << text;
    }
}

TEST(Mounts, ReadKeysOfEachType) {
    auto bind = parse_mount("type=bind,src=./a,dst=/b,readonly,bind-propagation=rslave", "/work");
    ASSERT_TRUE(bind);
    EXPECT_EQ(bind->source, "/work/a");
    EXPECT_TRUE(bind->read_only);
    EXPECT_EQ(bind->bind_options->propagation, "rslave");
    auto tmpfs = parse_mount("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777", "/");
    ASSERT_TRUE(tmpfs);
    EXPECT_EQ(tmpfs->tmpfs_options->size_bytes, 64 << 20);
    EXPECT_EQ(tmpfs->tmpfs_options->mode, 01777U);
    auto volume = parse_mount(R"(src=v,dst=/v,volume-nocopy,"volume-opt=o=a,b")", "/");
    ASSERT_TRUE(volume);
    EXPECT_TRUE(volume->volume_options->no_copy);
    EXPECT_EQ(volume->volume_options->driver_config->options.at("o"), "a,b");
    for (const char* text :
         {"", "type=bind,dst=/x", "type=bind,src=/x", "type=nosuch,dst=/x",
          "type=tmpfs,src=a,dst=/x", "type=tmpfs,dst=/x,bind-propagation=rslave",
          "src=a,dst=/x,what=ever", "src=a,dst=/x,readonly=perhaps", "\"src=a"}) {
        EXPECT_FALSE(parse_mount(text, "/")) << text;
    }
}

TEST(Variables, ComeFromFlagsFilesAndTheEnvironment) {
    const client::Environment environment = {{"HOME", "/root"}};
    std::vector<std::string> out;
    EXPECT_TRUE(add_variable(out, "A=1=2", environment));
    EXPECT_TRUE(add_variable(out, "HOME", environment));
    EXPECT_TRUE(add_variable(out, "ABSENT", environment));
    EXPECT_TRUE(add_variable(out, "EMPTY=", environment));
    EXPECT_FALSE(add_variable(out, "=x", environment));
    EXPECT_THAT(out, ElementsAre("A=1=2", "HOME=/root", "EMPTY="));
    auto file = parse_variable_file("# note\n\nA=\"quoted\"\r\n  B=2\nHOME\n", environment);
    ASSERT_TRUE(file);
    EXPECT_THAT(*file, ElementsAre("A=\"quoted\"", "B=2", "HOME=/root"));
    EXPECT_THAT(parse_variable_file("A=1\nB C=2\n", environment).error().message(),
                HasSubstr("line 2"));
}

TEST(Limits, AreChecked) {
    EXPECT_EQ(parse_ulimit("nofile=1024:2048")->hard, 2048);
    EXPECT_EQ(parse_ulimit("core=-1")->soft, -1);
    for (const char* text : {"nofile", "nofile=", "nofile=9:1", "nosuch=1", "nofile=a"})
        EXPECT_FALSE(parse_ulimit(text)) << text;
    EXPECT_EQ(parse_restart("on-failure:3")->maximum_retry_count, 3);
    for (const char* text : {"sometimes", "always:3", "on-failure:x"})
        EXPECT_FALSE(parse_restart(text)) << text;
    EXPECT_EQ(parse_device("/dev/a:/dev/b:r")->cgroup_permissions, "r");
    EXPECT_EQ(parse_device("/dev/a:rw")->path_in_container, "/dev/a");
    for (const char* text : {"", "a", "/dev/a:/dev/b:q", "/dev/a:b:c:d"})
        EXPECT_FALSE(parse_device(text)) << text;
    EXPECT_EQ(parse_gpus("all")->count, -1);
    EXPECT_EQ(parse_gpus("2")->count, 2);
    EXPECT_FALSE(parse_gpus("some"));
}

TEST(Networks, ReadNamesAndKeys) {
    EXPECT_EQ(parse_network("host")->name, "host");
    auto network = parse_network("name=back,alias=db,alias=sql,ip=10.0.0.5");
    ASSERT_TRUE(network);
    EXPECT_THAT(network->endpoint.aliases, ElementsAre("db", "sql"));
    EXPECT_EQ(network->endpoint.ipam_config->ipv4_address, "10.0.0.5");
    EXPECT_FALSE(parse_network("alias=db"));
    EXPECT_FALSE(parse_network("name=a,what=1"));
}

TEST(DetachKeysTest, HoldBackWhatMayBeTheSequence) {
    auto keys = DetachKeys::parse("");
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->filter("ls\x10"), "ls");
    EXPECT_EQ(keys->filter("x"), "\x10x");
    EXPECT_EQ(keys->filter("\x10\x10"), "\x10");
    EXPECT_FALSE(keys->is_complete());
    EXPECT_EQ(keys->filter("\x11rest"), "");
    EXPECT_TRUE(keys->is_complete());
    EXPECT_FALSE(DetachKeys::parse("ctrl-p,nokey"));
    EXPECT_TRUE(DetachKeys::parse("ctrl-@,q"));
}

TEST(ExitCode, FollowsTheWordsOfTheEngine) {
    EXPECT_EQ(exit_code_of_start("exec: \"x\": executable file not found in $PATH"), 127);
    EXPECT_EQ(exit_code_of_start("exec /x: permission denied"), 126);
    EXPECT_EQ(exit_code_of_start("port is already allocated"), 125);
}

}  // namespace
}  // namespace berth::cli
