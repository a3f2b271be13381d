#include <gtest/gtest.h>

#include "build/files/copy.h"
#include "build/files/mode.h"
#include "build/files/select.h"
#include "sys/dir.h"

namespace berth::build {
namespace {

struct ModeCase {
    const char* text;
    mode_t before;
    bool is_directory;
    mode_t after;
};
class ChangesModes : public testing::TestWithParam<ModeCase> {};
TEST_P(ChangesModes, AsChmodDoes) {
    const auto& [text, before, is_directory, after] = GetParam();
    const auto change = ModeChange::parse(text);
    ASSERT_TRUE(change) << text;
    EXPECT_EQ(change->apply(before, is_directory), after) << text;
}
INSTANTIATE_TEST_SUITE_P(
    Table, ChangesModes,
    testing::Values(ModeCase{"", 0640, false, 0640}, ModeCase{"755", 0600, false, 0755},
                    ModeCase{"04755", 0, false, 04755}, ModeCase{"+x", 0644, false, 0755},
                    ModeCase{"u=rwX,go=rX", 0600, false, 0644},
                    ModeCase{"u=rwX,go=rX", 0700, false, 0755}, ModeCase{"a+X", 0600, true, 0711},
                    ModeCase{"go-rwx", 0777, false, 0700}, ModeCase{"u+s", 0755, false, 04755},
                    ModeCase{"+t", 0777, true, 01777}, ModeCase{"u=rw+x", 0, false, 0700}));
TEST(ModeChange, RefusesWhatIsNoMode) {
    for (const char* text : {"9", "77777", "u", "x+r", "u=q", "u*r"})
        EXPECT_TRUE(ModeChange::parse(text).is_error()) << text;
}

class FilesTest : public testing::Test {
protected:
    void SetUp() override {
        auto directory = sys::TempDir::create();
        ASSERT_TRUE(directory);
        directory_.emplace(std::move(*directory));
        for (const char* name : {"from", "to", "outside"}) ASSERT_TRUE(sys::mkdir_all(path(name)));
        from_ = open("from");
        to_ = open("to");
    }
    std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
    sys::Fd open(const std::string& name) {
        auto fd = sys::open(path(name), O_RDONLY | O_DIRECTORY);
        return fd ? std::move(*fd) : sys::Fd();
    }
    void write(const std::string& name, const std::string& text) {
        ASSERT_TRUE(sys::mkdir_all(path(name.substr(0, name.rfind('/')))));
        ASSERT_TRUE(sys::write_file_atomic(path(name), text));
    }
    void link(const std::string& target, const std::string& name) {
        ASSERT_TRUE(sys::symlink_at(target, AT_FDCWD, path(name)));
    }
    std::string read(const std::string& name) {
        return sys::read_file(path(name)).value_or("<absent>");
    }
    Result<> copy(std::vector<std::string> sources, const std::string& destination,
                  std::vector<std::string> excludes = {}, bool parents = false) {
        return copy_selection(
            from_,
            {.sources = std::move(sources), .excludes = std::move(excludes), .parents = parents},
            to_, destination, {}, {});
    }
    std::string digest(std::vector<std::string> sources, std::vector<std::string> excludes = {}) {
        auto text = digest_selection(
            from_, {.sources = std::move(sources), .excludes = std::move(excludes)}, {});
        return text ? *text : "error: " + text.error().message();
    }

    std::optional<sys::TempDir> directory_;
    sys::Fd from_, to_;
};

TEST_F(FilesTest, CopiesTheContentOfADirectoryAndMerges) {
    write("from/d/a", "new");
    write("from/d/sub/b", "b");
    write("to/x/a", "old");
    write("to/x/sub/kept", "kept");
    ASSERT_TRUE(copy({"/d"}, "/x/"));
    EXPECT_EQ(read("to/x/a"), "new");
    EXPECT_EQ(read("to/x/sub/b"), "b");
    EXPECT_EQ(read("to/x/sub/kept"), "kept");
}

TEST_F(FilesTest, DecidesBetweenFileAndDirectoryAsCopyDoes) {
    write("from/a", "a");
    ASSERT_TRUE(copy({"/a"}, "/file"));
    EXPECT_EQ(read("to/file"), "a");
    ASSERT_TRUE(copy({"/a"}, "/new/dir/"));
    EXPECT_EQ(read("to/new/dir/a"), "a");
    ASSERT_TRUE(copy({"/a"}, "/new/dir"));
    EXPECT_EQ(read("to/new/dir/a"), "a");
}

TEST_F(FilesTest, ResolvesWildcardsSortedAndAllowsThatNothingMatches) {
    for (const char* name : {"from/b.txt", "from/a.txt", "from/c.md", "from/deep/er/d.txt"})
        write(name, name);
    const auto found = select(from_, {.sources = {"/*.txt"}, .excludes = {}});
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ(found->front().path, "/a.txt");
    const auto deep = select(from_, {.sources = {"/**/*.txt"}, .excludes = {}});
    ASSERT_TRUE(deep);
    EXPECT_EQ(deep->size(), 3u);
    EXPECT_TRUE(copy({"/*.none"}, "/x/"));
    const auto missing = copy({"/none"}, "/x/");
    ASSERT_TRUE(missing.is_error());
    EXPECT_EQ(missing.error().message(), "\"/none\": not found");
}

TEST_F(FilesTest, ManyStarsFindEachFileOnce) {
    std::string deep = "from";
    for (int i = 0; i < 30; ++i) deep += "/d";
    write(deep + "/x", "x");
    const auto found = select(from_, {.sources = {"/**/**/**/**/**/**/x"}, .excludes = {}});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 1u);
}

TEST_F(FilesTest, APipeIsNoArchiveAndIsNotWaitedFor) {
    ASSERT_TRUE(sys::mknod_at(AT_FDCWD, path("from/pipe"), S_IFIFO | 0644, 0));
    ASSERT_TRUE(copy_selection(from_, {.sources = {"/pipe"}, .excludes = {}}, to_, "/got",
                               {.owner = {}, .mode = {}, .unpack = true}, {}));
    EXPECT_TRUE(S_ISFIFO(sys::stat(path("to/got")).value().st_mode));
}

TEST_F(FilesTest, KeepsParentsAndExcludes) {
    write("from/a/b/c.txt", "c");
    write("from/a/b/skip.md", "s");
    ASSERT_TRUE(copy({"/a/./b/*"}, "/out/", {"*.md"}, true));
    EXPECT_EQ(read("to/out/b/c.txt"), "c");
    EXPECT_EQ(read("to/out/b/skip.md"), "<absent>");
}

TEST_F(FilesTest, LinksNeverLeadOutOfEitherRoot) {
    write("outside/secret", "secret");
    link("../outside/secret", "from/up");
    link(path("outside"), "from/absolute");
    link(path("outside"), "to/escape");
    write("from/a", "a");
    EXPECT_TRUE(copy({"/up"}, "/got").is_error());
    EXPECT_TRUE(copy({"/absolute/secret"}, "/got").is_error());
    EXPECT_TRUE(copy({"/../../outside/secret"}, "/got").is_error());
    // A link in the target is resolved inside it: there is no such directory there, and it is not
    // made elsewhere.
    (void)copy({"/a"}, "/escape/a").is_error();
    EXPECT_EQ(read("outside/a"), "<absent>");
    (void)copy({"/a"}, "/../../outside/a").is_error();
    EXPECT_EQ(read("outside/a"), "<absent>");
}

TEST_F(FilesTest, ReplacesALinkInsteadOfWritingThroughIt) {
    write("outside/victim", "victim");
    write("from/d/name", "new");
    ASSERT_TRUE(sys::mkdir_all(path("to/x")));
    link(path("outside/victim"), "to/x/name");
    ASSERT_TRUE(copy({"/d"}, "/x"));
    EXPECT_EQ(read("outside/victim"), "victim");
    EXPECT_EQ(read("to/x/name"), "new");
}

TEST_F(FilesTest, FollowsLinkedDirectoriesInsideTheTarget) {
    write("from/root/bin/tool", "tool");
    ASSERT_TRUE(sys::mkdir_all(path("to/usr/bin")));
    link("usr/bin", "to/bin");
    ASSERT_TRUE(copy({"/root"}, "/"));
    EXPECT_EQ(read("to/usr/bin/tool"), "tool");
}

TEST_F(FilesTest, KeepsHardLinksAndLinksThemselves) {
    write("from/d/one", "1");
    ASSERT_TRUE(sys::link_at(AT_FDCWD, path("from/d/one"), AT_FDCWD, path("from/d/two")));
    link("one", "from/d/soft");
    ASSERT_TRUE(copy({"/d"}, "/"));
    const auto one = sys::stat(path("to/one"));
    const auto two = sys::stat(path("to/two"));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(one->st_ino, two->st_ino);
    EXPECT_EQ(sys::readlink(path("to/soft")).value_or(""), "one");
}

TEST_F(FilesTest, RefusesToSwapKinds) {
    write("from/d/x", "file");
    ASSERT_TRUE(sys::mkdir_all(path("to/x/full")));
    const auto outcome = copy({"/d"}, "/");
    ASSERT_TRUE(outcome.is_error());
    EXPECT_TRUE(outcome.error().is(ErrorCode::Conflict));
}

TEST_F(FilesTest, DigestsSeeContentNamesAndModesButNotTimes) {
    write("from/d/a", "1");
    const std::string first = digest({"/d"});
    ASSERT_TRUE(sys::set_times_at(AT_FDCWD, path("from/d/a"), {.tv_sec = 5, .tv_nsec = 0},
                                  {.tv_sec = 5, .tv_nsec = 0}));
    EXPECT_EQ(digest({"/d"}), first);
    ASSERT_TRUE(sys::chmod_at(AT_FDCWD, path("from/d/a"), 0755));
    const std::string executable = digest({"/d"});
    EXPECT_NE(executable, first);
    write("from/d/b.md", "2");
    EXPECT_EQ(digest({"/d"}, {"*.md"}), executable);
    EXPECT_NE(digest({"/d"}), executable);
    EXPECT_NE(digest({"/d/a"}), digest({"/d/b.md"}));
}

TEST_F(FilesTest, WritesFilesAndDirectories) {
    const auto mode = ModeChange::parse("0600");
    ASSERT_TRUE(mode);
    ASSERT_TRUE(make_file(to_, "/etc/app/conf", "text", *mode, std::nullopt));
    EXPECT_EQ(read("to/etc/app/conf"), "text");
    EXPECT_EQ(sys::stat(path("to/etc/app/conf")).value().st_mode & 07777, 0600u);
    ASSERT_TRUE(make_directories(to_, "/etc/app/more/and/more", 0700, std::nullopt));
    EXPECT_EQ(sys::stat(path("to/etc/app/more")).value().st_mode & 07777, 0700u);
    EXPECT_TRUE(make_directories(to_, "/etc/app/conf/below", 0755, std::nullopt).is_error());
}

}  // namespace
}  // namespace berth::build
