#include "shim/log_reader.h"

#include <gtest/gtest.h>

#include <thread>

#include "shim/log_writer.h"
#include "sys/file.h"

namespace berth::shim {
namespace {
using namespace std::chrono_literals;

const Timestamp base = *parse_rfc3339("2026-11-23T12:00:00Z");

class LogReaderTest : public testing::Test {
protected:
    // Entries "0\n" to "<count-1>\n", one second apart, every third on stderr.
    void write(int count, std::uint64_t max_bytes = 0) {
        LogWriter writer({.path = path_, .max_bytes = max_bytes, .max_files = 100});
        ASSERT_TRUE(writer.open());
        for (int i = 0; i < count; ++i)
            writer.write(i % 3 == 0 ? 2 : 1, concat(i, "\n"), base + i * 1s);
    }
    std::vector<int> read(LogQuery query) {
        query.path = path_;
        std::vector<int> out;
        EXPECT_TRUE(read_log(query,
                             [&](const LogLine& line) {
                                 out.push_back(std::stoi(line.text));
                                 return true;
                             },
                             {}));
        return out;
    }
    static std::vector<int> range(int from, int to) {
        std::vector<int> out;
        for (int i = from; i < to; ++i) out.push_back(i);
        return out;
    }
    sys::TempDir directory_ = std::move(sys::TempDir::create()).value();
    std::string path_ = directory_.path() + "/log";
};

TEST_F(LogReaderTest, ReadsAcrossRotatedFilesInOrder) {
    write(50, 300);
    ASSERT_TRUE(sys::exists(path_ + ".5"));
    EXPECT_EQ(read({}), range(0, 50));
}

TEST_F(LogReaderTest, FindsTheTailWherverItBegins) {
    write(50, 300);
    for (const int count : {0, 1, 3, 4, 7, 49, 50, 60})
        EXPECT_EQ(read({.tail = count}), range(std::max(0, 50 - count), 50)) << count;
}

TEST_F(LogReaderTest, CountsOnlyTheWantedStreamInTheTail) {
    write(12);
    EXPECT_EQ(read({.tail = 2, .stdout_ = false}), (std::vector{6, 9}));
}

TEST_F(LogReaderTest, KeepsToTheTimeAskedFor) {
    write(10);
    EXPECT_EQ(read({.since = base + 3s, .until = base + 5s}), range(3, 6));
    EXPECT_EQ(read({.tail = 2, .until = base + 5s}), range(4, 6));
}

TEST_F(LogReaderTest, SkipsTornEntries) {
    write(3);
    const auto file = std::move(sys::open(path_, O_WRONLY | O_APPEND)).value();
    ASSERT_TRUE(sys::write_all(file, "{\"log\":\"torn\n"));
    LogWriter writer({.path = path_});
    ASSERT_TRUE(writer.open());
    writer.write(1, "3\n", base);
    EXPECT_EQ(read({}), range(0, 4));
}

TEST_F(LogReaderTest, ReadsNothingWithoutAFile) { EXPECT_TRUE(read({}).empty()); }

TEST_F(LogReaderTest, FollowsAcrossRotations) {
    write(2);
    std::jthread later([&] {
        LogWriter writer({.path = path_, .max_bytes = 200, .max_files = 100});
        ASSERT_TRUE(writer.open());
        for (int i = 2; i < 40; ++i) {
            writer.write(1, concat(i, "\n"), base);
            std::this_thread::sleep_for(1ms);
        }
    });
    std::vector<int> got;
    std::stop_source stop;
    ASSERT_TRUE(read_log(
        {.path = path_, .follow = true},
        [&](const LogLine& line) {
            got.push_back(std::stoi(line.text));
            return got.back() != 39;
        },
        stop.get_token()));
    EXPECT_EQ(got, range(0, 40));
}

TEST_F(LogReaderTest, EndsWhenTheContainerIsGone) {
    write(2);
    EXPECT_EQ(read({.follow = true, .is_alive = [] { return false; }}), range(0, 2));
}

TEST_F(LogReaderTest, EndsWhenStopped) {
    write(1);
    std::jthread reader([&](std::stop_token stop) {
        EXPECT_TRUE(read_log(
            {.path = path_, .follow = true}, [](const LogLine&) { return true; }, stop));
    });
    std::this_thread::sleep_for(20ms);
}

}  // namespace
}  // namespace berth::shim
