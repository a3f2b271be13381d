#include "cli/archive/input.h"

#include <array>

#include <gtest/gtest.h>

namespace berth::cli {
namespace {

Result<> produce_forever(const client::BytesSink& sink) {
    for (;;) TRY(sink("piece"));
}

Result<> take_two(client::BytesSource source) {
    for (int i = 0; i < 2; ++i) EXPECT_EQ(source().value(), "piece");
    return {};
}

TEST(Connect, HandsPiecesOverInOrderUpToTheEnd) {
    std::string got;
    auto outcome = connect(
        [](const client::BytesSink& sink) -> Result<> {
            for (int i = 0; i < 100; ++i) TRY(sink(concat(i, " ")));
            return {};
        },
        [&](client::BytesSource source) -> Result<> {
            for (;;) {
                const std::string piece = TRY(source());
                if (piece.empty()) return {};
                got += piece;
            }
        });
    EXPECT_FALSE(outcome.is_error());
    EXPECT_TRUE(got.starts_with("0 1 2 "));
    EXPECT_TRUE(got.ends_with(" 98 99 "));
}

TEST(Connect, EndsAProducerThatNobodyReads) {
    EXPECT_FALSE(connect(produce_forever, take_two).is_error());
    const auto failing = [](client::BytesSource source) -> Result<> {
        TRY(source());
        return fail(ErrorCode::NoSpace, "full");
    };
    EXPECT_TRUE(connect(produce_forever, failing).error().is(ErrorCode::NoSpace));
}

TEST(Connect, SaysFirstWhatTheProducerFailedWith) {
    const auto produce = [](const client::BytesSink& sink) -> Result<> {
        TRY(sink("piece"));
        return fail(ErrorCode::NotFound, "gone");
    };
    const auto consume = [](client::BytesSource source) -> Result<> {
        TRY(source());
        // What was cut short is not taken for the whole.
        auto next = source();
        EXPECT_TRUE(next.is_error());
        return next ? Result<>() : Result<>(std::move(next).error());
    };
    EXPECT_TRUE(connect(produce, consume).error().is(ErrorCode::NotFound));
}

TEST(PieceSource, FillsBuffersOfAnySize) {
    int pieces = 0;
    PieceSource source([&]() -> Result<std::string> {
        return ++pieces <= 3 ? std::string("abcde") : std::string();
    });
    std::string got;
    std::array<std::byte, 2> buffer{};
    for (;;) {
        const std::size_t count = source.read(buffer).value();
        if (count == 0) break;
        got.append(as_text(std::span(buffer).first(count)));
    }
    EXPECT_EQ(got, "abcdeabcdeabcde");
}

}  // namespace
}  // namespace berth::cli
