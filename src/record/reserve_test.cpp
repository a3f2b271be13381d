#include "record/reserve.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace berth::record {
namespace {

class ReserveTest : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/var/tmp/berth-reserve-test-XXXXXX";
        folder_ = mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string path() const { return folder_ + "/reserve"; }
    std::string folder_;
};

TEST_F(ReserveTest, GivesPieceByPieceUntilNothingIsLeft) {
    auto reserve = Reserve::open(path());
    ASSERT_TRUE(reserve);
    ASSERT_EQ(reserve->bytes(), Reserve::full_bytes);
    for (std::uint64_t left = Reserve::full_bytes; left > 0;) {
        ASSERT_TRUE(reserve->give());
        left -= Reserve::piece_bytes;
        EXPECT_EQ(std::filesystem::file_size(path()), left);
    }
    EXPECT_FALSE(reserve->give());
}

TEST_F(ReserveTest, DoesNotTakeBackAtOnceWhatItGave) {
    auto reserve = Reserve::open(path());
    ASSERT_TRUE(reserve);
    ASSERT_TRUE(reserve->give());
    reserve->refill();
    EXPECT_LT(reserve->bytes(), Reserve::full_bytes);
    // The next process finds it short and fills it.
    EXPECT_EQ(Reserve::open(path())->bytes(), Reserve::full_bytes);
}

}  // namespace
}  // namespace berth::record
