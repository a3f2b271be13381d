#include "sys/scheduling.h"

#include <gtest/gtest.h>

namespace berth::sys {
namespace {

TEST(Scheduling, ReadsListsOfNumbers) {
    EXPECT_EQ(parse_number_list("0-2,7").value(), (std::vector<unsigned>{0, 1, 2, 7}));
    EXPECT_EQ(parse_number_list("3").value(), (std::vector<unsigned>{3}));
    EXPECT_EQ(parse_number_list("5,1-2,2").value(), (std::vector<unsigned>{1, 2, 5}));
    for (const char* wrong : {"", "a", "1-", "-1", "3-2", "1,,2", "8192", "0-99999999", "1-2-3"})
        EXPECT_TRUE(parse_number_list(wrong).is_error()) << wrong;
}

TEST(Scheduling, NamesThatDoNotExistAreRefused) {
    EXPECT_EQ(set_scheduler({.policy = "SCHED_MAGIC"}).error().message(),
              "unknown scheduler policy SCHED_MAGIC");
    EXPECT_EQ(set_scheduler({.policy = "SCHED_OTHER", .flags = {"X"}}).error().message(),
              "unknown scheduler flag X");
    EXPECT_EQ(set_io_priority("IOPRIO_CLASS_X", 1).error().message(),
              "unknown I/O priority class IOPRIO_CLASS_X");
    EXPECT_TRUE(set_io_priority("IOPRIO_CLASS_BE", 8).is_error());
    EXPECT_TRUE(set_memory_policy({.mode = "MPOL_X"}).is_error());
    EXPECT_TRUE(set_personality("SOLARIS").is_error());
}

}  // namespace
}  // namespace berth::sys
