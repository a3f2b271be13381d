#include "daemon/websocket.h"

#include <gtest/gtest.h>

#include <thread>

#include "sys/file.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::daemon {
namespace {

std::string masked(std::string frame) {
    const std::size_t start = static_cast<unsigned char>(frame[1]) == 126   ? 4
                              : static_cast<unsigned char>(frame[1]) == 127 ? 10
                                                                            : 2;
    const std::string mask = "\x11\x22\x33\x44";
    for (std::size_t i = start; i < frame.size(); ++i) frame[i] ^= mask[(i - start) % 4];
    frame[1] |= '\x80';
    return frame.insert(start, mask);
}

TEST(WebSocket, AnswersTheKeyOfTheSpecification) {
    EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, FramesOfEveryLengthComeBackWholeHoweverTheyAreCut) {
    for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u}) {
        const std::string payload(size, 'x');
        const std::string bytes = masked(encode_frame(WebSocketOpcode::Text, payload));
        std::string input = bytes.substr(0, bytes.size() - 1);
        ASSERT_FALSE(take_frame(input)->has_value());
        input += bytes.back();
        input += "rest";
        const auto frame = take_frame(input);
        ASSERT_TRUE(frame && *frame);
        EXPECT_EQ((*frame)->payload, payload);
        EXPECT_EQ(input, "rest");
    }
}

TEST(WebSocket, RefusesWhatAClientMustNotSend) {
    std::string unmasked = encode_frame(WebSocketOpcode::Text, "hi"), reserved = masked(unmasked),
                unknown = masked(unmasked);
    reserved[0] |= 0x40;
    unknown[0] = '\x83';
    std::string huge(
        "\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff"
        "mask",
        14);
    for (auto* input : {&unmasked, &reserved, &unknown, &huge})
        EXPECT_TRUE(take_frame(*input).is_error());
}

TEST(WebSocket, RelaysBothWaysAndEndsWithTheStream) {
    auto client = sys::socket_pair(), container = sys::socket_pair();
    ASSERT_TRUE(client && container);
    std::jthread relay([&] {
        relay_websocket(client->second, masked(encode_frame(WebSocketOpcode::Ping, "p")),
                        container->second, WebSocketOpcode::Binary);
    });
    ASSERT_FALSE(sys::write_all(client->first, masked(encode_frame(WebSocketOpcode::Text, "in")))
                     .is_error());
    std::array<std::byte, 2> two{};
    ASSERT_FALSE(sys::read_exact(container->first, two).is_error());
    EXPECT_EQ(as_text(two), "in");
    ASSERT_FALSE(sys::write_all(container->first, std::string_view("out")).is_error());
    ASSERT_FALSE(sys::shutdown_write(container->first).is_error());
    const auto all = sys::read_all(client->first, 1000);
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, encode_frame(WebSocketOpcode::Pong, "p") +
                        encode_frame(WebSocketOpcode::Binary, "out") +
                        encode_frame(WebSocketOpcode::Close, "\x03\xe8"));
}

}  // namespace
}  // namespace berth::daemon
