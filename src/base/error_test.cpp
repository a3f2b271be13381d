#include <gtest/gtest.h>

#include <cerrno>

#include "base/result.h"

namespace berth {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return fail(ErrorCode::InvalidArgument, "odd: ", value);
    return value / 2;
}

Result<int> quarter(int value) {
    const int once = TRY(half(value).context("first half of ", value));
    return half(once).hint("use a multiple of four");
}

TEST(Error, ReadsFromTheOutsideIn) {
    auto result = quarter(3);
    ASSERT_TRUE(result.is_error());
    EXPECT_EQ(result.error().message(), "first half of 3: odd: 3");
    EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument);
}

TEST(Error, KeepsTheInnermostHint) {
    auto result = quarter(6).hint("outer");
    ASSERT_TRUE(result.is_error());
    EXPECT_EQ(result.error().hint(), "use a multiple of four");
}

TEST(Error, NamesTheCallAndErrno) {
    const Error error = Error::from_errno("openat2", ENOENT);
    EXPECT_EQ(error.message(), "openat2: No such file or directory (ENOENT)");
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_EQ(error.error_number(), ENOENT);
}

TEST(Error, IsOnePointerWide) { EXPECT_EQ(sizeof(Error), sizeof(void*)); }

TEST(Result, PassesValuesThrough) { EXPECT_EQ(*quarter(8), 2); }

}  // namespace
}  // namespace berth
