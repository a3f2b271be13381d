#include "sys/large_file.h"

#include <gtest/gtest.h>

#include <random>

#include "sys/file.h"

namespace berth::sys {
namespace {

/// Appends pieces of all sizes, collected or not, and compares the file with what was written.
void write_and_compare(const std::string& folder, std::uint64_t cached) {
    const std::string path = folder + "/large";
    const Fd fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    LargeFile file(fd, cached);
    PageBuffer buffer(LargeFile::piece_bytes);
    std::mt19937 random(1);
    std::vector<std::byte> expected;
    const auto flush = [&] {
        file.pwrite(buffer.bytes(), expected.size() - buffer.size()).value();
        buffer.clear();
    };
    while (expected.size() < (12 << 20)) {
        std::vector<std::byte> piece(random() % 3 == 0 ? 64 << 10 : random() % 40000);
        for (auto& byte : piece) byte = static_cast<std::byte>(random());
        for (std::span<const std::byte> rest = piece; !rest.empty();) {
            const std::size_t taken = buffer.append(rest);
            expected.insert(expected.end(), rest.begin(), rest.begin() + taken);
            rest = rest.subspan(taken);
            if (buffer.is_full()) flush();
        }
        // Now and then a piece that is no whole pages, and whole pages that begin in a page.
        if (random() % 50 == 0) flush();
    }
    flush();
    std::vector<std::byte> got(expected.size() + 1);
    std::size_t bytes = 0;
    for (std::size_t more = 1; more > 0; bytes += more)
        more = pread(fd, std::span(got).subspan(bytes), bytes).value();
    got.resize(bytes);
    EXPECT_TRUE(got == expected);
}

TEST(LargeFile, HoldsWhatWasWrittenPastTheCacheAndThroughIt) {
    const auto temp = TempDir::create().value();
    for (const auto cached : {std::uint64_t{0}, LargeFile::cached_bytes, LargeFile::all_cached})
        write_and_compare(temp.path(), cached);
}

TEST(LargeFile, DoesWithoutDirectWrites) {
    // Memory has no direct writes before Linux 6.6.
    const auto temp = TempDir::create("/dev/shm");
    if (temp.is_error()) GTEST_SKIP() << "no /dev/shm here";
    write_and_compare(temp->path(), 0);
}

TEST(PageBuffer, TakesWhatFits) {
    PageBuffer buffer(page_bytes);
    EXPECT_TRUE(buffer.is_empty());
    const std::vector<std::byte> bytes(page_bytes - 1, std::byte{7});
    EXPECT_EQ(buffer.append(bytes), page_bytes - 1);
    EXPECT_EQ(buffer.append(bytes), 1U);
    EXPECT_TRUE(buffer.is_full());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes().data()) % page_bytes, 0U);
    EXPECT_EQ(buffer.append(bytes), 0U);
    buffer.clear();
    EXPECT_TRUE(buffer.is_empty());
}

}  // namespace
}  // namespace berth::sys
