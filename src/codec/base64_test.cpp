#include "codec/base64.h"

#include <gtest/gtest.h>

namespace berth::codec {
namespace {

TEST(Base64, EncodesTheVectorsOfRfc4648) {
    EXPECT_EQ(encode_base64(""), "");
    EXPECT_EQ(encode_base64("f"), "Zg==");
    EXPECT_EQ(encode_base64("fo"), "Zm8=");
    EXPECT_EQ(encode_base64("foo"), "Zm9v");
    EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8=");
}

TEST(Base64, DecodesBothAlphabetsWithAndWithoutPadding) {
    for (const char* text : {"+/8=", "-_8=", "-_8", "+/8", " +/\r\n8="})
        EXPECT_EQ(decode_base64(text), "\xfb\xff") << text;
}

TEST(Base64, RefusesWhatIsNoBase64) {
    for (const char* text : {"A", "AB=C", "A===", "AB*D", "ABCD=", "AB=", "="})
        EXPECT_EQ(decode_base64(text), std::nullopt) << text;
}

TEST(Base64, RoundTripsEveryLength) {
    std::string bytes;
    for (int i = 0; i < 260; ++i) {
        EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
        bytes += static_cast<char>(i * 7);
    }
}

}  // namespace
}  // namespace berth::codec
