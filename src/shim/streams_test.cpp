#include <gtest/gtest.h>

#include "base/text.h"
#include "shim/backlog.h"
#include "shim/detach_keys.h"
#include "shim/process_status.h"
#include "sys/dir.h"

namespace berth::shim {
namespace {

TEST(DetachKeys, PassesEverythingElseOn) {
    DetachKeys keys("\x10\x11");
    EXPECT_EQ(keys.filter("abc").input, "abc");
    EXPECT_EQ(keys.filter("x\x10").input, "x");  // maybe the beginning
    const auto outcome = keys.filter("y");
    EXPECT_EQ(outcome.input, "\x10y");
    EXPECT_FALSE(outcome.detached);
}

TEST(DetachKeys, AreFoundAcrossReads) {
    DetachKeys keys("\x10\x11");
    EXPECT_EQ(keys.filter("ab\x10").input, "ab");
    EXPECT_TRUE(keys.filter("\x11").detached);
    DetachKeys doubled("\x10\x11");
    EXPECT_TRUE(doubled.filter("\x10\x10\x11").detached);
}

TEST(DetachKeys, AreNoneWhenEmpty) {
    EXPECT_EQ(DetachKeys("").filter("\x10\x11").input, "\x10\x11");
}

TEST(Backlog, GivesBackWhatItTookInOrder) {
    const auto directory = std::move(sys::TempDir::create()).value();
    Backlog backlog(directory.path());
    std::string sent, got;
    for (int i = 0; i < 400; ++i) {
        const std::string piece(1000 + i, static_cast<char>('a' + i % 26));
        ASSERT_TRUE(backlog.push(as_bytes(piece)));
        sent += piece;
        if (i % 3 != 0) continue;  // the reader is slower than the writer
        const auto front = backlog.front();
        const std::size_t taken = std::min<std::size_t>(front.size(), 700);
        got += as_text(front.first(taken));
        backlog.pop(taken);
    }
    while (!backlog.is_empty()) {
        const auto front = backlog.front();
        ASSERT_FALSE(front.empty());
        got += as_text(front);
        backlog.pop(front.size());
    }
    EXPECT_EQ(got, sent);
}

TEST(Backlog, RefusesWhatTheDiskDoesNotTake) {
    Backlog backlog("/nonexistent");
    EXPECT_TRUE(backlog.push(as_bytes("fits in memory")));
    const std::string big(1 << 20, 'x');
    EXPECT_FALSE(backlog.push(as_bytes(big)));
    EXPECT_EQ(backlog.size(), 14u);
}

TEST(SignalDisposition, IsReadFromTheStatusFile) {
    const auto status = parse_signal_disposition(
        "Name:\tsleep\nNSpid:\t4711\t1\nSigBlk:\t0000000000000200\nSigCgt:\t0000000000004000\n");
    EXPECT_TRUE(status.is_namespace_init);
    EXPECT_TRUE(status.catches(15));
    EXPECT_FALSE(status.catches(2));
    EXPECT_TRUE(status.blocks(10));
    EXPECT_TRUE(status.discards(2));    // no handler in process 1
    EXPECT_FALSE(status.discards(15));  // caught
    EXPECT_FALSE(status.discards(10));  // may be fetched
    EXPECT_FALSE(status.discards(9));
    const auto elsewhere = parse_signal_disposition("NSpid:\t4711\nSigIgn:\t0000000000004000\n");
    EXPECT_TRUE(elsewhere.discards(15));
    EXPECT_FALSE(elsewhere.discards(2));
    EXPECT_FALSE(parse_signal_disposition("NSpid:\t1\n").is_namespace_init);
    EXPECT_FALSE(parse_signal_disposition("NSpid:\t4711\t11\n").is_namespace_init);
}

}  // namespace
}  // namespace berth::shim
