#include "codec/tar.h"

#include <gtest/gtest.h>

#include "codec/tar_internal.h"

namespace berth::codec {
namespace {

/// Reads an archive whole: entries with their stored content.
Result<std::vector<std::pair<TarEntry, std::string>>> read_archive(std::string_view bytes,
                                                                   const TarLimits& limits = {}) {
    MemorySource source(bytes);
    TarReader tar(source, limits);
    std::vector<std::pair<TarEntry, std::string>> entries;
    for (;;) {
        auto entry = TRY(tar.next());
        if (!entry) return entries;
        std::string content;
        for (;;) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            content.append(as_text(piece));
        }
        entries.emplace_back(std::move(*entry), std::move(content));
    }
}

std::string write_archive(const TarEntry& entry, std::string_view content = {}) {
    StringSink sink;
    TarWriter tar(sink);
    tar.add(entry, content).value();
    tar.finish().value();
    return sink.take();
}

/// A header block by hand, for what the writer never writes.
std::string header(char type, std::string_view name, std::uint64_t bytes,
                   std::string_view magic = "ustar  ") {
    std::string block(512, '\0');
    block.replace(0, name.size(), name);
    block.replace(100, 7, "0000644");
    block.replace(108, 7, "0000000");
    block.replace(116, 7, "0000000");
    char size[12];
    snprintf(size, sizeof size, "%011lo", static_cast<unsigned long>(bytes));
    block.replace(124, 11, size);
    block.replace(136, 11, "00000000000");
    block[156] = type;
    block.replace(257, magic.size(), magic);
    return block;
}

std::string sealed(std::string block) {
    char sum[8];
    snprintf(sum, sizeof sum, "%06lo",
             static_cast<unsigned long>(tar::checksums(block).of_unsigned));
    block.replace(148, 6, sum);
    block[154] = '\0';
    block[155] = ' ';
    return block;
}

std::string padded(std::string text) {
    text.resize(text.size() + tar::padding_of(text.size()), '\0');
    return text;
}

const std::string end_blocks(1024, '\0');

TEST(Tar, ReadsBackWhatItWrites) {
    TarEntry entry;
    entry.path = std::string(90, 'd') + "/" + std::string(200, 'n');
    entry.mode = 06755;
    entry.uid = 4000000000;
    entry.gid = 3000000;
    entry.mtime_seconds = -2;
    entry.mtime_nanoseconds = 500000000;
    entry.xattrs = {{"security.capability", std::string("\0\1=\n", 4)}, {"user.a", ""}};
    entry.bytes = 5;
    const auto entries = read_archive(write_archive(entry, "hello")).value();
    ASSERT_EQ(entries.size(), 1U);
    const auto& [read, content] = entries[0];
    EXPECT_EQ(read.path, entry.path);
    EXPECT_EQ(read.mode, entry.mode);
    EXPECT_EQ(read.uid, entry.uid);
    EXPECT_EQ(read.gid, entry.gid);
    EXPECT_EQ(read.mtime_seconds, -2);
    EXPECT_EQ(read.mtime_nanoseconds, 500000000U);
    EXPECT_EQ(read.xattrs, entry.xattrs);
    EXPECT_EQ(content, "hello");
}

TEST(Tar, ReadsBackEveryTypeAndSparseFiles) {
    TarEntry device;
    device.type = TarType::BlockDevice;
    device.path = "dev/sda";
    device.device_major = 8;
    device.device_minor = 70000;
    const auto devices = read_archive(write_archive(device)).value();
    EXPECT_EQ(devices[0].first.device_major, 8U);
    EXPECT_EQ(devices[0].first.device_minor, 70000U);

    TarEntry link;
    link.type = TarType::Symlink;
    link.path = "l";
    link.link_target = std::string(300, 't');
    EXPECT_EQ(read_archive(write_archive(link)).value()[0].first.link_target, link.link_target);

    TarEntry sparse;
    sparse.path = "holes";
    sparse.is_sparse = true;
    sparse.bytes = std::uint64_t{1} << 40;
    sparse.segments = {{4096, 3}, {std::uint64_t{1} << 39, 2}};
    const auto holes = read_archive(write_archive(sparse, "abcde")).value();
    EXPECT_TRUE(holes[0].first.is_sparse);
    EXPECT_EQ(holes[0].first.path, "holes");
    EXPECT_EQ(holes[0].first.bytes, sparse.bytes);
    EXPECT_EQ(holes[0].first.segments, sparse.segments);
    EXPECT_EQ(holes[0].second, "abcde");
}

TEST(Tar, ReadsGnuLongNamesAndBase256Numbers) {
    const std::string name(150, 'g');
    std::string file = header('0', "short", 3);
    file.replace(108, 8, std::string("\x80\0\0\0\0\x01\x11\x70", 8));  // uid 70000
    const auto archive = sealed(header('L', "././@LongLink", name.size() + 1)) +
                         padded(name + '\0') + sealed(file) + padded("abc") + end_blocks;
    const auto entries = read_archive(archive).value();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].first.path, name);
    EXPECT_EQ(entries[0].first.uid, 70000U);
    EXPECT_EQ(entries[0].second, "abc");
}

TEST(Tar, ReadsOldGnuSparseFiles) {
    std::string file = header('S', "sparse", 4);
    file.replace(386, 11, "00000000012");  // offset 10
    file.replace(398, 11, "00000000004");  // 4 bytes
    file.replace(483, 11, "00000000024");  // 20 bytes in all
    const auto entries = read_archive(sealed(file) + padded("data") + end_blocks).value();
    EXPECT_EQ(entries[0].first.bytes, 20U);
    EXPECT_EQ(entries[0].first.segments,
              (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{10, 4}}));
}

TEST(Tar, OnlyFilesHaveContentWhateverTheSizeSays) {
    std::string link = header('1', "link", 512);
    const auto archive = sealed(link) + sealed(header('0', "next", 0)) + end_blocks;
    const auto entries = read_archive(archive).value();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[1].first.path, "next");
}

TEST(Tar, RefusesDamagedArchives) {
    const auto pax = [](const std::string& records) {
        return sealed(header('x', "pax", records.size())) + padded(records) +
               sealed(header('0', "f", 0)) + end_blocks;
    };
    auto broken_sum = sealed(header('0', "f", 0));
    broken_sum[3] = 'x';
    std::string bad_sparse = header('S', "sparse", 4);
    bad_sparse.replace(386, 11, "00000000030");
    bad_sparse.replace(398, 11, "00000000004");
    bad_sparse.replace(483, 11, "00000000024");
    std::string bad_device = header('3', "d", 0);
    bad_device.replace(329, 7, "7777777");
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"not a tar", std::string(512, 'x')},
        {"checksum", broken_sum + end_blocks},
        {"cut header", sealed(header('0', "f", 0)).substr(0, 300)},
        {"cut content", sealed(header('0', "f", 5000)) + std::string(512, 'c')},
        {"ends after an extension", sealed(header('x', "pax", 0)) + end_blocks},
        {"record length", pax("99 path=x\n")},
        {"record without newline", pax("9 path=xy")},
        {"record without key", pax("5 =x\n")},
        {"zero in path", pax(std::string("11 path=a\0b\n", 12))},
        {"size", pax("13 size=-500\n")},
        {"time", pax("13 mtime=1.x\n")},
        {"sparse beyond the end", sealed(bad_sparse) + padded("data") + end_blocks},
        {"device number", sealed(bad_device) + end_blocks},
        {"lone zero block", std::string(512, '\0') + sealed(header('0', "f", 0)) + end_blocks},
    };
    for (const auto& [name, bytes] : cases) {
        const auto entries = read_archive(bytes);
        ASSERT_TRUE(entries.is_error()) << name;
        EXPECT_TRUE(entries.error().is(ErrorCode::Corrupted))
            << name << ": " << entries.error().message();
    }
}

TEST(Tar, KeepsItsLimits) {
    TarEntry entry;
    entry.path = std::string(5000, 'p');
    EXPECT_TRUE(read_archive(write_archive(entry)).error().is(ErrorCode::InvalidArgument));
    entry.path = "p";
    entry.xattrs = {{"user.big", std::string(2000, 'x')}};
    EXPECT_FALSE(read_archive(write_archive(entry)).is_error());
    EXPECT_TRUE(read_archive(write_archive(entry), {.xattr_bytes = 1000})
                    .error()
                    .is(ErrorCode::InvalidArgument));
    EXPECT_TRUE(read_archive(write_archive(entry), {.extended_header_bytes = 1000})
                    .error()
                    .is(ErrorCode::InvalidArgument));
    // A global header without end would otherwise keep the reader busy for ever.
    std::string globals;
    for (int i = 0; i < 20; ++i) globals += sealed(header('g', "g", 0));
    EXPECT_TRUE(read_archive(globals, {.entries = 10}).error().is(ErrorCode::InvalidArgument));
}

}  // namespace
}  // namespace berth::codec
