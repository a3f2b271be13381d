#include "layer/extract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "codec/tar.h"
#include "layer/changes.h"
#include "layer/foreign.h"
#include "layer/pack.h"
#include "layer/path.h"
#include "sys/file.h"

namespace berth::layer {
namespace {

using codec::TarType;

struct Item {
    TarType type;
    std::string path;
    std::string text;  ///< content, or target of a link
};

std::string archive(const std::vector<Item>& items) {
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    for (const auto& item : items) {
        codec::TarEntry entry;
        entry.type = item.type;
        entry.path = item.path;
        entry.mode = item.type == TarType::Directory ? 0755
                     : item.type == TarType::Symlink ? 0777
                                                     : 0644;
        entry.uid = ::getuid();
        entry.gid = ::getgid();
        if (item.type == TarType::File) entry.bytes = item.text.size();
        if (item.type != TarType::File) entry.link_target = item.text;
        tar.add(entry, item.type == TarType::File ? item.text : std::string()).value();
    }
    tar.finish().value();
    return sink.take();
}

class Extract : public testing::Test {
protected:
    Result<Extracted> extract(const std::vector<Item>& items, const ExtractOptions& options = {}) {
        const auto bytes = archive(items);
        codec::MemorySource source(bytes);
        return layer::extract(source, root_, options, {});
    }
    std::string read(const std::string& path) {
        return sys::read_file_at(root_, path).value_or("(none)");
    }

    sys::TempDir temp_ = sys::TempDir::create().value();
    sys::TempDir outside_ = sys::TempDir::create().value();
    sys::Fd root_ = sys::open(temp_.path(), O_RDONLY | O_DIRECTORY).value();
};

TEST_F(Extract, FollowsLinksInsideTheRootOnly) {
    extract({{TarType::Directory, "real", ""},
             {TarType::Symlink, "link", "/real"},
             {TarType::File, "link/f", "in"}})
        .value();
    EXPECT_EQ(read("real/f"), "in");
    const auto escaped =
        extract({{TarType::Symlink, "out", outside_.path()}, {TarType::File, "out/f", "x"}});
    EXPECT_TRUE(escaped.is_error());
    EXPECT_THAT(sys::list_dir(outside_.path()).value(), testing::IsEmpty());
}

TEST_F(Extract, RefusesToWriteThroughAnExistingLink) {
    sys::write_file_atomic(outside_.path() + "/victim", "safe").value();
    sys::symlink_at(outside_.path() + "/victim", root_, "f").value();
    extract({{TarType::File, "f", "new"}}).value();
    EXPECT_EQ(sys::read_file(outside_.path() + "/victim").value(), "safe");
    EXPECT_EQ(read("f"), "new");
    sys::symlink_at("/victim", root_, "l").value();
    EXPECT_TRUE(extract({{TarType::HardLink, "h", "../victim"}}).is_error());
}

TEST_F(Extract, NoticesADirectoryThatBecameALink) {
    extract({{TarType::Directory, "a", ""},
             {TarType::Directory, "b", ""},
             {TarType::File, "a/1", "x"},
             {TarType::Symlink, "a", "b"},
             {TarType::File, "a/2", "y"}})
        .value();
    EXPECT_EQ(read("b/2"), "y");
}

TEST_F(Extract, KeepsKindsWhenAsked) {
    extract({{TarType::Directory, "d", ""}, {TarType::File, "f", ""}}).value();
    EXPECT_TRUE(
        extract({{TarType::File, "d", "x"}}, {.keep_kinds = true}).error().is(ErrorCode::Conflict));
    EXPECT_TRUE(extract({{TarType::Directory, "f", ""}}, {.keep_kinds = true})
                    .error()
                    .is(ErrorCode::Conflict));
    EXPECT_FALSE(extract({{TarType::File, "d", "x"}}).is_error());
}

TEST_F(Extract, KeepsItsLimit) {
    EXPECT_TRUE(extract({{TarType::File, "f", "12345"}}, {.limit_bytes = 4})
                    .error()
                    .is(ErrorCode::InvalidArgument));
}

TEST_F(Extract, AppliesWhiteouts) {
    extract({{TarType::File, "d/a", "1"}, {TarType::File, "d/b", "2"}, {TarType::File, "e/a", "3"}})
        .value();
    extract({{TarType::File, "d/.wh.a", ""},
             {TarType::File, "e/.wh..wh..opq", ""},
             {TarType::File, "e/new", "4"}},
            {.whiteouts = Whiteouts::Apply})
        .value();
    EXPECT_EQ(read("d/a"), "(none)");
    EXPECT_EQ(read("d/b"), "2");
    EXPECT_EQ(read("e/a"), "(none)");
    EXPECT_EQ(read("e/new"), "4");
}

TEST_F(Extract, PacksWhatItUnpacked) {
    const auto bytes = archive({{TarType::Directory, "d", ""},
                                {TarType::File, "d/f", "text"},
                                {TarType::HardLink, "d/g", "d/f"},
                                {TarType::Symlink, "l", "d/f"}});
    codec::MemorySource source(bytes);
    layer::extract(source, root_, {}, {}).value();
    codec::StringSink sink;
    EXPECT_EQ(pack(root_, sink, {}, {}).value().entries, 4U);
    EXPECT_TRUE(sink.text() == bytes);
    codec::StringSink one;
    pack_path(root_, "/d/f", one, {}, {}).value();
    codec::MemorySource packed(one.text());
    codec::TarReader tar(packed);
    EXPECT_EQ(tar.next().value()->path, "f");
}

TEST_F(Extract, ReadsXzAndBzip2) {
    // The text "hello\n" by xz and bzip2.
    for (const std::string_view hex :
         {std::string_view("fd377a585a000004e6d6b4460200210116000000742fe5a301000568656c6c6f0a00000"
                           "0a56097f194f6fde000011e06c12fa41d1fb6f37d01"
                           "0000000004595a"),
          std::string_view("425a6839314159265359c1c080e2000001410000100244a00030cd00c34629971772453"
                           "85090c1c080e2")}) {
        const auto bytes = from_hex(hex);
        ASSERT_TRUE(bytes);
        codec::MemorySource source{std::span<const std::byte>(*bytes)};
        const auto plain = open_any_decompressor(source);
        ASSERT_FALSE(plain.is_error()) << plain.error().message();
        EXPECT_EQ(codec::read_all(**plain, 100).value(), "hello\n");
        codec::MemorySource cut{std::span<const std::byte>(*bytes).first(bytes->size() / 2)};
        const auto damaged = open_any_decompressor(cut);
        EXPECT_TRUE(damaged.is_error() || codec::read_all(**damaged, 100).is_error());
    }
}

TEST(SplitPath, NormalisesAndRefuses) {
    const auto joined = [](std::string_view path) { return join(split_path(path).value(), "|"); };
    EXPECT_EQ(joined("/a//b/./c/"), "a|b|c");
    EXPECT_EQ(joined("a/../b"), "b");
    EXPECT_EQ(joined("./"), "");
    const std::string_view refused[] = {"..", "a/../..", "/../x", std::string_view("a\0b", 3)};
    for (const std::string_view path : refused) {
        EXPECT_TRUE(split_path(path).is_error()) << path;
    }
    EXPECT_TRUE(split_path(std::string(256, 'x')).is_error());
}

TEST(KindOfName, KnowsWhiteouts) {
    EXPECT_EQ(kind_of_name("a.wh.").value(), NameKind::Ordinary);
    EXPECT_EQ(kind_of_name(".wh.a").value(), NameKind::Whiteout);
    EXPECT_EQ(kind_of_name(".wh..wh..opq").value(), NameKind::Opaque);
    EXPECT_EQ(kind_of_name(".wh..wh.plnk").value(), NameKind::Ignored);
    for (const auto* name : {".wh.", ".wh..", ".wh..."})
        EXPECT_TRUE(kind_of_name(name).is_error()) << name;
}

}  // namespace
}  // namespace berth::layer
