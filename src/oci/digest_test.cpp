#include "oci/digest.h"

#include <gtest/gtest.h>

namespace berth::oci {
namespace {

const std::string empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, NamesContent) {
    EXPECT_EQ(Digest::of("").to_string(), "sha256:" + empty_hash);
    EXPECT_EQ(Digest::of("").short_hex(), "e3b0c44298fc");
}

TEST(Digest, ParsesWhatTheSpecificationAllows) {
    EXPECT_EQ(Digest::parse("sha256:" + empty_hash).value_or(Digest()), Digest::of(""));
}

TEST(Digest, RefusesEverythingElse) {
    for (const auto& bad :
         {std::string(), empty_hash, "sha256:" + empty_hash.substr(1), "md5:" + empty_hash,
          std::string("sha256:E3") + empty_hash.substr(2), "sha256:../" + empty_hash.substr(3)}) {
        EXPECT_TRUE(Digest::parse(bad).is_error()) << bad;
    }
}

}  // namespace
}  // namespace berth::oci
