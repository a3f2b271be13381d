#include "engine/evict.h"

#include <gtest/gtest.h>

#include "engine/storage_guard.h"

namespace berth::engine {
namespace {

using namespace std::chrono_literals;

image::Piece piece(char c) { return {oci::Digest::from_sha256_hex(std::string(64, c)), true}; }

const Timestamp now{1000h};

struct Stock {
    std::vector<EvictionCandidate> candidates;
    std::map<image::Piece, int> holders;
    std::map<image::Piece, std::int64_t> bytes;

    void add(std::string id, std::chrono::hours age, bool is_pulled,
             const std::map<char, int>& pieces) {
        EvictionCandidate candidate{
            .id = std::move(id), .last_used = now - age, .is_pulled = is_pulled};
        for (const auto& [c, size] : pieces) {
            candidate.pieces.insert(piece(c));
            ++holders[piece(c)];
            bytes[piece(c)] = size;
        }
        candidates.push_back(std::move(candidate));
    }
    std::string victims(std::int64_t needed) const {
        std::string out;
        for (const auto i : choose_victims(candidates, holders, bytes, needed, now))
            out += candidates[i].id;
        return out;
    }
};

TEST(ChooseVictims, TakesWhatWasNotUsedForLongAndNoMoreThanNeeded) {
    Stock stock;
    stock.add("a", 1h, true, {{'a', 100}});
    stock.add("b", 3h, true, {{'b', 100}});
    stock.add("c", 2h, true, {{'c', 100}});
    EXPECT_EQ(stock.victims(0), "");
    EXPECT_EQ(stock.victims(1), "b");
    EXPECT_EQ(stock.victims(150), "bc");
    EXPECT_EQ(stock.victims(1000), "bca");
}

TEST(ChooseVictims, TakesWhatARegistryGivesAgainBeforeWhatMustBeBuiltAgain) {
    Stock stock;
    stock.add("built", 3h, false, {{'a', 100}});
    stock.add("pulled", 1h, true, {{'b', 100}});
    EXPECT_EQ(stock.victims(1), "pulled");
    Stock older;
    older.add("built", 5h, false, {{'a', 100}});
    older.add("pulled", 1h, true, {{'b', 100}});
    EXPECT_EQ(older.victims(1), "built");
}

TEST(ChooseVictims, CountsWhatIsSharedOnlyWhenAllThatHaveItGo) {
    Stock stock;
    stock.add("a", 9h, true, {{'s', 1000}, {'a', 10}});
    stock.add("b", 8h, true, {{'s', 1000}, {'b', 10}});
    EXPECT_EQ(stock.victims(5), "a");
    EXPECT_EQ(stock.victims(500), "ab");
    // Somebody who stays has it, too.
    ++stock.holders[piece('s')];
    EXPECT_EQ(stock.victims(500), "ab");
    stock.candidates[0].pieces.erase(piece('a'));
    EXPECT_EQ(stock.victims(500), "b");
}

TEST(ChooseVictims, PutsBackWhatWasNotNeededAfterAll) {
    Stock stock;
    stock.add("small", 9h, true, {{'a', 10}});
    stock.add("large", 8h, true, {{'b', 1000}});
    EXPECT_EQ(stock.victims(900), "large");
}

TEST(Excess, IsTheWorseOfBothLimits) {
    const StorageLimits none, size{.max_bytes = 1000}, share{.keep_free_percent = 10},
        bytes{.keep_free_bytes = 300}, both{.max_bytes = 1000, .keep_free_percent = 10};
    EXPECT_LT(excess(none, 900, 10000, 1, 1 << 20), 0);
    EXPECT_EQ(excess(size, 900, 10000, 1, 100), 0);
    EXPECT_EQ(excess(size, 900, 10000, 1, 101), 1);
    EXPECT_EQ(excess(share, 900, 10000, 1100, 100), 0);
    EXPECT_EQ(excess(share, 900, 10000, 1100, 150), 50);
    EXPECT_EQ(excess(bytes, 900, 10000, 300, 7), 7);
    EXPECT_EQ(excess(both, 990, 10000, 1100, 150), 140);
    EXPECT_EQ(excess(both, 100, 10000, 900, 0), 100);
}

}  // namespace
}  // namespace berth::engine
