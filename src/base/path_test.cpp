#include "base/path.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Path, IsCleanedAsText) {
    EXPECT_EQ(clean_absolute_path("/a//b/./c/"), "/a/b/c");
    EXPECT_EQ(clean_absolute_path("relative"), "/relative");
    EXPECT_EQ(clean_absolute_path("/"), "/");
    EXPECT_EQ(clean_absolute_path(""), "/");
}

TEST(Path, NeverGoesAboveTheRoot) {
    EXPECT_EQ(clean_absolute_path("/../../etc/../x"), "/x");
    EXPECT_EQ(clean_absolute_path("../../etc"), "/etc");
    EXPECT_EQ(clean_absolute_path("/a/../../b"), "/b");
}

}  // namespace
}  // namespace berth
