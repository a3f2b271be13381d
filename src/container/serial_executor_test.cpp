#include "container/serial_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace berth::container {
namespace {

TEST(SerialExecutor, KeepsTheOrderWithinAKey) {
    SerialExecutor executor(4);
    std::vector<int> seen[3];
    for (int i = 0; i < 300; ++i) {
        executor.post(std::to_string(i % 3), [&seen, i] { seen[i % 3].push_back(i); });
    }
    executor.drain();
    for (const auto& list : seen) {
        EXPECT_EQ(list.size(), 100u);
        EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
    }
}

TEST(SerialExecutor, DifferentKeysDoNotWaitForEachOther) {
    SerialExecutor executor(2);
    std::latch both(2);
    for (const char* key : {"a", "b"}) executor.post(key, [&] { both.arrive_and_wait(); });
    executor.drain();
    EXPECT_TRUE(both.try_wait());
}

TEST(SerialExecutor, ATaskMayPostTheNextOne) {
    SerialExecutor executor(1);
    std::atomic<int> count = 0;
    executor.post("a", [&] {
        ++count;
        executor.post("a", [&] { ++count; });
    });
    executor.drain();
    EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace berth::container
