#include "shim/message.h"

#include <gtest/gtest.h>

#include "shim/protocol.h"

namespace berth::shim {
namespace {

template <typename T>
T round_trip(const T& message) {
    const std::string bytes = encode(message, 7);
    const auto parsed = parse_header(bytes);
    EXPECT_TRUE(parsed);
    EXPECT_EQ(parsed->first.type, static_cast<std::uint16_t>(T::type));
    EXPECT_EQ(parsed->first.sequence, 7u);
    auto decoded = decode<T>(parsed->second);
    EXPECT_TRUE(decoded);
    return *decoded;
}

TEST(Message, KeepsEveryKindOfField) {
    Configure sent{.id = "abc", .directory = "/d", .tty = true, .restart_count = -3};
    sent.restart = {.mode = RestartMode::OnFailure, .max_retries = 4};
    sent.health = {.command = {"CMD", "", "x y"}, .interval = -1, .retries = 2};
    sent.log.max_bytes = 1ull << 40;
    const Configure got = round_trip(sent);
    EXPECT_EQ(got.id, "abc");
    EXPECT_TRUE(got.tty);
    EXPECT_FALSE(got.open_stdin);
    EXPECT_EQ(got.restart_count, -3);
    EXPECT_EQ(got.restart.mode, RestartMode::OnFailure);
    EXPECT_EQ(got.health.command, sent.health.command);
    EXPECT_EQ(got.health.interval, -1);
    EXPECT_EQ(got.log.max_bytes, 1ull << 40);
}

TEST(Message, KeepsListsOfRecordsAndRawBytes) {
    Names sent;
    sent.records.push_back(
        {.name = "db", .addresses = {std::string("\0\1\2\3", 4), std::string(16, '\xff')}});
    sent.records.push_back({.name = "db.front", .primary = true});
    sent.servers = {"1.1.1.1"};
    const Names got = round_trip(sent);
    ASSERT_EQ(got.records.size(), 2u);
    EXPECT_EQ(got.records[0].addresses, sent.records[0].addresses);
    EXPECT_TRUE(got.records[1].primary);
    EXPECT_EQ(got.servers, sent.servers);
}

TEST(Message, SkipsFieldsItDoesNotKnow) {
    Encoder encoder(Header{.type = static_cast<std::uint16_t>(MessageType::Stop)});
    encoder(900, std::string("from the future"));
    encoder(1, std::int32_t{9});
    const std::string bytes = std::move(encoder).take();
    const auto stop = decode<Stop>(parse_header(bytes)->second);
    ASSERT_TRUE(stop);
    EXPECT_EQ(stop->signal, 9);
    EXPECT_EQ(stop->timeout, 0);
}

TEST(Message, RefusesEveryTruncation) {
    const std::string bytes = encode(Started{.exec_id = "x", .pid = 1, .time = 2});
    const std::string_view body = parse_header(bytes)->second;
    for (std::size_t length = 0; length < body.size(); ++length) {
        const auto cut = decode<Started>(body.substr(0, length));
        const bool at_boundary = length == 0 || length == 7 || length == 21;
        EXPECT_EQ(static_cast<bool>(cut), at_boundary) << length;
    }
    EXPECT_FALSE(parse_header("short"));
}

TEST(Message, RefusesALengthBeyondTheEnd) {
    std::string body("\x01\x00\xff\xff\xff\xff", 6);
    EXPECT_FALSE(decode<Started>(body + "abc"));
}

}  // namespace
}  // namespace berth::shim
