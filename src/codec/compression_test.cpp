#include "codec/compression.h"

#include <gtest/gtest.h>

namespace berth::codec {
namespace {

std::string sample(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < bytes; ++i) {
        state = state * 1664525 + 1013904223;
        text[i] = i % 64 < 40 ? 'a' : static_cast<char>(state >> 24);
    }
    return text;
}

std::string compress(Compression compression, std::string_view text) {
    StringSink sink;
    const auto compressor = make_compressor(compression, sink);
    compressor->write(as_bytes(text)).value();
    compressor->finish().value();
    return sink.take();
}

Result<std::string> decompress(std::string_view bytes) {
    MemorySource source(bytes);
    const auto plain = TRY(open_decompressor(source));
    return read_all(*plain, 64 << 20);
}

class Compressed : public testing::TestWithParam<Compression> {};

TEST_P(Compressed, ComesBackAtEverySize) {
    for (const std::size_t bytes : {0, 1, 100, 65535, 262144, 262145, 3000000}) {
        const auto text = sample(bytes);
        const auto packed = compress(GetParam(), text);
        EXPECT_EQ(detect_compression(as_bytes(packed)), GetParam());
        const auto back = decompress(packed);
        ASSERT_FALSE(back.is_error()) << bytes << ": " << back.error().message();
        EXPECT_TRUE(*back == text) << bytes;
        EXPECT_EQ(compress(GetParam(), text), packed) << "equal input gives equal output";
    }
}

TEST_P(Compressed, MayHaveSeveralMembers) {
    const auto packed =
        compress(GetParam(), "first ") + compress(GetParam(), "") + compress(GetParam(), "second");
    EXPECT_EQ(decompress(packed).value(), "first second");
}

TEST_P(Compressed, IsRefusedWhenCutOrDamaged) {
    const auto packed = compress(GetParam(), sample(300000));
    for (const std::size_t bytes : {packed.size() - 1, packed.size() / 2, std::size_t{20}}) {
        const auto cut = decompress(packed.substr(0, bytes));
        ASSERT_TRUE(cut.is_error()) << bytes;
        EXPECT_TRUE(cut.error().is(ErrorCode::Corrupted));
    }
    auto damaged = packed;
    damaged[packed.size() / 2] = static_cast<char>(damaged[packed.size() / 2] ^ 0x55);
    EXPECT_TRUE(decompress(damaged).is_error());
}

INSTANTIATE_TEST_SUITE_P(Formats, Compressed,
                         testing::Values(Compression::Gzip, Compression::Zstd));

TEST(Compression, PassesPlainBytesThrough) {
    EXPECT_EQ(decompress("plain").value(), "plain");
    EXPECT_EQ(decompress("").value(), "");
}

TEST(Compression, SkipsPaddingButNoGarbageAfterGzip) {
    const auto packed = compress(Compression::Gzip, "text");
    EXPECT_EQ(decompress(packed + std::string(1000, '\0')).value(), "text");
    EXPECT_TRUE(decompress(packed + "garbage garbage garbage").is_error());
}

TEST(Compression, NamesWhatItDoesNotRead) {
    EXPECT_TRUE(decompress("BZh91AY&SY....").error().is(ErrorCode::Unsupported));
    EXPECT_TRUE(decompress(std::string_view("\xfd"
                                            "7zXZ\0....",
                                            10))
                    .error()
                    .is(ErrorCode::Unsupported));
}

}  // namespace
}  // namespace berth::codec
