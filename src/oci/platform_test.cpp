#include "oci/platform.h"

#include <gtest/gtest.h>

namespace berth::oci {
namespace {

Platform platform(std::string_view text) { return Platform::parse(text).value(); }

TEST(PlatformTest, ALesserPlatformSuitsButIsNotTheSame) {
    struct Case {
        std::string_view wanted, candidate;
        bool suits, is_same;
    };
    const Case cases[] = {
        {"linux/arm/v7", "linux/arm/v7", true, true},
        {"linux/arm/v7", "linux/arm", true, true},
        {"linux/arm/v7", "linux/arm/v6", true, false},
        {"linux/arm/v6", "linux/arm/v7", false, false},
        {"linux/arm64", "linux/arm64/v8", true, true},
        {"linux/aarch64", "linux/arm64", true, true},
        {"linux/arm64", "linux/arm/v7", true, false},
        {"linux/amd64", "linux/386", true, false},
        {"linux/386", "linux/amd64", false, false},
        {"linux/amd64", "linux/amd64/v1", true, true},
        {"linux/amd64/v3", "linux/amd64", true, false},
        {"linux/amd64", "linux/amd64/v3", false, false},
        {"linux/amd64/fast", "linux/amd64", false, false},
        {"linux/arm/v7", "linux/arm/hard", false, false},
        {"linux/amd64", "windows/amd64", false, false},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(match(platform(one.wanted), platform(one.candidate)) > 0, one.suits)
            << one.wanted << " " << one.candidate;
        EXPECT_EQ(is_same(platform(one.wanted), platform(one.candidate)), one.is_same)
            << one.wanted << " " << one.candidate;
    }
}

}  // namespace
}  // namespace berth::oci
