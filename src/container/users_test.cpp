#include "container/users.h"

#include <gtest/gtest.h>

#include "sys/file.h"

namespace berth::container {
namespace {

const AccountFiles files{
    .passwd =
        "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken "
        "line\napp:x:1000:1001::/home/app:/bin/sh\n0:x:77:77::/trap:\n"
        "bad:x:4294967296:0::/:\n",
    .group = "root:x:0:\nwheel:x:10:app,root\napp:x:1001:\ndocker:x:999:other,app\n"};

TEST(ResolveUser, TakesRootWhenNothingIsSaid) {
    const auto user = resolve_user(files, "");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, 0u);
    EXPECT_EQ(user->home, "/root");
    EXPECT_EQ(user->groups, (std::vector<std::uint32_t>{10}));
}

TEST(ResolveUser, FindsNamesWithTheirGroups) {
    const auto user = resolve_user(files, "app");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->uid, 1000u);
    EXPECT_EQ(user->gid, 1001u);
    EXPECT_EQ(user->home, "/home/app");
    EXPECT_EQ(user->groups, (std::vector<std::uint32_t>{10, 999}));
}

TEST(ResolveUser, AnExplicitGroupReplacesTheFiles) {
    const auto user = resolve_user(files, "app:docker");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->gid, 999u);
    EXPECT_TRUE(user->groups.empty());
    EXPECT_EQ(resolve_user(files, "app", {"5", "wheel"})->groups,
              (std::vector<std::uint32_t>{5, 10, 999}));
}

TEST(ResolveUser, ANumberIsANumberWhateverTheFilesCallIt) {
    EXPECT_EQ(resolve_user(files, "0")->home, "/root");
    const auto unknown = resolve_user(files, "4242");
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->uid, 4242u);
    EXPECT_EQ(unknown->gid, 0u);
    EXPECT_EQ(unknown->home, "/");
    EXPECT_EQ(resolve_user(files, "1000:0")->gid, 0u);
}

TEST(ResolveUser, RefusesWhatCouldBeMistaken) {
    for (const char* text : {"-1", "4294967295", "4294967296", "1 ", "0x0", "nobody", "bad", "+1",
                             "99999999999999999999", "app:nogroup", "app:-1"}) {
        EXPECT_FALSE(resolve_user(files, text)) << text;
    }
    EXPECT_EQ(resolve_user(files, "nobody").error().message(),
              "unable to find user nobody: no matching entries in passwd file");
}

TEST(ReadAccountFiles, LooksInsideTheRootOnly) {
    const auto root = std::move(sys::TempDir::create()).value();
    ASSERT_TRUE(sys::mkdir_all(root.path() + "/etc"));
    const auto fd = std::move(sys::open(root.path(), O_PATH | O_DIRECTORY)).value();
    EXPECT_EQ(read_account_files(fd)->passwd, "");
    ASSERT_TRUE(
        sys::symlink_at("../../../../../etc/passwd", AT_FDCWD, root.path() + "/etc/passwd"));
    const auto looped = read_account_files(fd);  // a link to itself, seen from inside
    EXPECT_FALSE(looped);
}

TEST(ReadAccountFiles, RefusesAFifo) {
    const auto root = std::move(sys::TempDir::create()).value();
    ASSERT_TRUE(sys::mkdir_all(root.path() + "/etc"));
    ASSERT_TRUE(sys::mknod_at(AT_FDCWD, root.path() + "/etc/group", S_IFIFO | 0600, 0));
    const auto fd = std::move(sys::open(root.path(), O_PATH | O_DIRECTORY)).value();
    EXPECT_FALSE(read_account_files(fd));
}

}  // namespace
}  // namespace berth::container
