#include <gtest/gtest.h>

#include <thread>

#include "shim/log_line.h"
#include "shim/log_reader.h"
#include "shim/log_writer.h"
#include "sys/file.h"

namespace berth::shim {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = *parse_rfc3339("2026-11-23T12:00:00.000000001Z");

std::string line(std::string_view text, int stream = 1) {
    std::string out;
    append_log_line(out, stream, text, to_rfc3339(noon));
    return out;
}

TEST(LogLine, IsDockersJson) {
    EXPECT_EQ(line("a\"b\\\t\n", 2),
              "{\"log\":\"a\\\"b\\\\\\t\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T12:00:00."
              "000000001Z\"}\n");
}

TEST(LogLine, ReadsBackWhatItWrote) {
    for (const std::string text : {"", "plain\n", "\x01\x1f\x7f", "ä€😀\n", "\r\n"}) {
        const auto read = parse_log_line(line(text, 2));
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(read->text, text);
        EXPECT_EQ(read->stream, 2);
        EXPECT_EQ(read->time, noon);
    }
}

TEST(LogLine, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(parse_log_line(line("a\xff\xc3(\xed\xa0\x80z"))->text,
              "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(LogLine, ReadsOtherWritersEntries) {
    const auto read = parse_log_line(
        R"({"log":"\u00e4\ud83d\ude00\ud800x\/","stream":"stdout","attrs":{"a":"b","c":"d"},"time":"2026-11-23T13:00:00+01:00"})");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text, "ä😀\uFFFDx/");
    EXPECT_EQ(read->time, *parse_rfc3339("2026-11-23T12:00:00Z"));
}

TEST(LogLine, RefusesTornEntries) {
    const std::string whole = line("hello\n");
    for (std::size_t length = 0; length + 2 < whole.size(); ++length)
        EXPECT_FALSE(parse_log_line(whole.substr(0, length)));
}

class LogWriterTest : public testing::Test {
protected:
    sys::TempDir directory_ = std::move(sys::TempDir::create()).value();
    std::string path_ = directory_.path() + "/log";
    std::string content(const std::string& suffix = "") {
        return std::move(sys::read_file(path_ + suffix)).value_or("none");
    }
};

TEST_F(LogWriterTest, JoinsPiecesOfALineAndKeepsStreamsApart) {
    LogWriter writer({.path = path_});
    ASSERT_TRUE(writer.open());
    writer.write(1, "one ", noon);
    writer.write(2, "err\n", noon);
    writer.write(1, "two\nrest", noon);
    writer.finish(1, noon);
    EXPECT_EQ(content(), line("err\n", 2) + line("one two\n") + line("rest"));
}

TEST_F(LogWriterTest, CutsALineThatIsLongerThanItsBuffer) {
    LogWriter writer({.path = path_});
    ASSERT_TRUE(writer.open());
    const std::string text(max_log_piece + 10, 'x');
    writer.write(1, text.substr(0, 100), noon);
    writer.write(1, text.substr(100) + "\n", noon);
    EXPECT_EQ(content(), line(std::string(max_log_piece, 'x')) + line(std::string(10, 'x') + "\n"));
}

TEST_F(LogWriterTest, RotatesAndForgetsTheOldest) {
    const std::string entry = line("12345\n");
    LogWriter writer({.path = path_, .max_bytes = entry.size() * 2, .max_files = 3});
    ASSERT_TRUE(writer.open());
    for (int i = 0; i < 9; ++i) writer.write(1, "12345\n", noon);
    EXPECT_EQ(content(), entry);
    EXPECT_EQ(content(".1"), entry + entry);
    EXPECT_EQ(content(".2"), entry + entry);
    EXPECT_FALSE(sys::exists(path_ + ".3"));
}

TEST_F(LogWriterTest, CompressesWhatNobodyFollowsAnyMore) {
    const std::string entry = line("12345\n");
    LogWriter writer(
        {.path = path_, .max_bytes = entry.size() * 2, .max_files = 4, .compress = true});
    ASSERT_TRUE(writer.open());
    for (int i = 0; i < 5; ++i) writer.write(1, "12345\n", noon);
    for (int i = 0; i < 500 && !sys::exists(path_ + ".2.zst"); ++i)
        std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(sys::exists(path_ + ".2.zst"));
    EXPECT_EQ(content(".1"), entry + entry);
    int read = 0;
    EXPECT_TRUE(read_log({.path = path_},
                         [&](const LogLine& got) { return ++read, got.text == "12345\n"; }, {}));
    EXPECT_EQ(read, 5);
    EXPECT_TRUE(
        read_log({.path = path_, .tail = 4}, [&](const LogLine&) { return ++read, true; }, {}));
    EXPECT_EQ(read, 9);
    ASSERT_TRUE(writer.clear());
    for (const char* left : {".1", ".2", ".2.zst", ".3"})
        EXPECT_FALSE(sys::exists(path_ + left)) << left;
}

TEST_F(LogWriterTest, RefusesALinkInItsPlace) {
    ASSERT_TRUE(sys::symlink_at("/dev/null", AT_FDCWD, path_));
    LogWriter writer({.path = path_});
    EXPECT_FALSE(writer.open());
}

TEST_F(LogWriterTest, WritesNothingWithoutAPath) {
    LogWriter writer({.path = ""});
    ASSERT_TRUE(writer.open());
    writer.write(1, "x\n", noon);
    EXPECT_FALSE(sys::exists(path_));
}

}  // namespace
}  // namespace berth::shim
