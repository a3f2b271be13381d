#include "runtime/mount_options.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

namespace berth::runtime {
namespace {

TEST(MountOptions, SortsWordsByWhatActsOnThem) {
    const auto options =
        parse_mount_options({"rbind", "ro", "nosuid", "rslave", "size=64k", "noswap", "defaults"});
    ASSERT_TRUE(options);
    EXPECT_TRUE(options->bind);
    EXPECT_TRUE(options->recursive_bind);
    EXPECT_EQ(options->set, std::uint64_t(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
    EXPECT_EQ(options->propagation, std::uint64_t(MS_SLAVE));
    EXPECT_TRUE(options->recursive_propagation);
    ASSERT_EQ(options->data.size(), 2U);
    EXPECT_EQ(*options->find_data("size"), "64k");
    EXPECT_EQ(*options->find_data("noswap"), "");
}

TEST(MountOptions, TheLastWordAboutABitCounts) {
    const auto writable = parse_mount_options({"ro", "rw"});
    ASSERT_TRUE(writable);
    EXPECT_EQ(writable->set, 0U);
    EXPECT_EQ(writable->clear, std::uint64_t(MOUNT_ATTR_RDONLY));
    const auto read_only = parse_mount_options({"rw", "ro"});
    ASSERT_TRUE(read_only);
    EXPECT_TRUE(read_only->is_read_only());
    EXPECT_EQ(read_only->clear, 0U);
}

TEST(MountOptions, AccessTimeModesAreOneField) {
    const auto options = parse_mount_options({"noatime", "strictatime"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->set & MOUNT_ATTR__ATIME, std::uint64_t(MOUNT_ATTR_STRICTATIME));
    EXPECT_EQ(options->clear & MOUNT_ATTR__ATIME, std::uint64_t(MOUNT_ATTR__ATIME));
}

TEST(MountOptions, RecursiveAttributesAreKeptApart) {
    const auto options = parse_mount_options({"bind", "rro", "rnoexec"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->set, 0U);
    EXPECT_EQ(options->recursive_set, std::uint64_t(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC));
    EXPECT_TRUE(options->is_read_only());
}

TEST(MountOptions, APartOfTheSourceIsNoOptionOfTheFileSystem) {
    const auto options = parse_mount_options({"rbind", "beneath=a/b=c"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->beneath, "a/b=c");
    EXPECT_TRUE(options->data.empty());
}

TEST(MountOptions, RefusesAValueWithoutAName) { EXPECT_FALSE(parse_mount_options({"=x"})); }

TEST(MountOptions, KnowsEveryWordItNames) {
    for (const auto& word : known_mount_options()) {
        const auto options = parse_mount_options({word});
        ASSERT_TRUE(options) << word;
        const bool is_of_the_file_system = word == "sync" || word == "dirsync" || word == "mand" ||
                                           word == "lazytime" || word == "iversion";
        EXPECT_EQ(options->data.empty(), !is_of_the_file_system) << word;
    }
}

}  // namespace
}  // namespace berth::runtime
