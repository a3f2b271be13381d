#include "oci/reference.h"

#include <gtest/gtest.h>

namespace berth::oci {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

TEST(Reference, CompletesWhatUsersType) {
    struct Case {
        std::string text, full, familiar;
    };
    const Case cases[] = {
        {"debian", "docker.io/library/debian", "debian"},
        {"debian:bookworm", "docker.io/library/debian:bookworm", "debian:bookworm"},
        {"user/app", "docker.io/user/app", "user/app"},
        {"index.docker.io/debian", "docker.io/library/debian", "debian"},
        {"docker.io/library/debian:1", "docker.io/library/debian:1", "debian:1"},
        {"localhost/app", "localhost/app", "localhost/app"},
        {"localhost:5000/a/b/c:T_1", "localhost:5000/a/b/c:T_1", "localhost:5000/a/b/c:T_1"},
        {"[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"},
        {"reg.local/a@" + digest, "reg.local/a@" + digest, "reg.local/a@" + digest},
        {"a:1@" + digest, "docker.io/library/a:1@" + digest, "a:1@" + digest},
        {"a__b/c--d.e", "docker.io/a__b/c--d.e", "a__b/c--d.e"},
        {"HOST/app", "HOST/app", "HOST/app"},
    };
    for (const auto& test : cases) {
        const auto reference = Reference::parse(test.text);
        ASSERT_TRUE(reference) << test.text << ": " << reference.error().message();
        EXPECT_EQ(reference->to_string(), test.full);
        EXPECT_EQ(reference->familiar(), test.familiar);
        const auto again = Reference::parse(reference->familiar());
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, *reference);
    }
}

TEST(Reference, RefusesWhatIsNoName) {
    const std::string cases[] = {"",
                                 "Debian",
                                 "a//b",
                                 "/a",
                                 "a/",
                                 "a:",
                                 "a:-x",
                                 "a@sha256:12",
                                 "a___b",
                                 "a..b",
                                 "-a",
                                 "a-",
                                 "a b",
                                 "host:99999/a",
                                 "ho_st.x/a",
                                 std::string(64, 'a'),
                                 "a:" + std::string(129, 'a'),
                                 std::string(256, 'a'),
                                 "http://x/y",
                                 "a:b:c",
                                 "a@" + digest + "@" + digest};
    for (const auto& text : cases) {
        const auto reference = Reference::parse(text);
        ASSERT_FALSE(reference) << text;
        EXPECT_TRUE(reference.error().is(ErrorCode::InvalidArgument));
    }
    EXPECT_EQ(Reference::parse("Debian").error().message(),
              "invalid reference format: repository name (Debian) must be lowercase");
}

TEST(Reference, KnowsWhatCanBeAnId) {
    EXPECT_TRUE(looks_like_id("0123abcdef"));
    EXPECT_FALSE(looks_like_id("abc"));
    EXPECT_FALSE(looks_like_id("debian"));
}

}  // namespace
}  // namespace berth::oci
