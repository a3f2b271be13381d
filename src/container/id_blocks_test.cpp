#include "container/id_blocks.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::container {
namespace {

class IdBlocksTest : public testing::Test {
protected:
    std::string root(const std::string& name) {
        const std::string path = concat(temp_.path(), "/", name);
        EXPECT_FALSE(sys::mkdir_all(path).is_error());
        return path;
    }
    IdBlocks engine(const std::string& name) { return IdBlocks(record(), root(name)); }
    std::string record() const { return temp_.path() + "/host"; }

    sys::TempDir temp_ = sys::TempDir::create().value();
};

TEST_F(IdBlocksTest, TwoEnginesNeverGetTheSameBlock) {
    Guarded<std::vector<std::uint32_t>> given;
    {
        std::vector<std::jthread> threads;
        for (const char* name : {"a", "b", "c", "d"}) {
            threads.emplace_back([&, blocks = engine(name)] {
                for (int i = 0; i < 10; ++i) given.lock()->push_back(blocks.claim_new({}).value());
            });
        }
    }
    auto all = given.lock();
    EXPECT_EQ(Blocks(all->begin(), all->end()).size(), 40U);
    for (const std::uint32_t block : *all) EXPECT_TRUE(block >= first_block && block <= last_block);
    EXPECT_EQ(engine("a").claim_used({}).value().size(), 10U);
}

TEST_F(IdBlocksTest, WhatContainersHaveBecomesTheirEnginesUnlessAnotherHasIt) {
    EXPECT_EQ(engine("a").claim_used({first_block, first_block + 1}).value(),
              (Blocks{first_block, first_block + 1}));
    EXPECT_EQ(engine("b").claim_used({first_block + 1, first_block + 2}).value(),
              (Blocks{first_block + 2}));
    // A data root that was moved takes its blocks along.
    const IdBlocks moved = engine("elsewhere");
    ASSERT_FALSE(sys::remove_tree(root("a")).is_error());
    EXPECT_EQ(moved.claim_used({first_block}).value(), (Blocks{first_block}));
}

TEST_F(IdBlocksTest, BlocksOfRootsThatAreGoneAreTakenLast) {
    Blocks all;
    for (std::uint32_t block = first_block; block <= last_block; ++block) all.insert(block);
    Blocks most = all;
    most.erase(last_block);
    ASSERT_EQ(engine("gone").claim_used(most).value().size(), most.size());
    ASSERT_FALSE(sys::remove_tree(root("gone")).is_error());
    EXPECT_EQ(engine("a").claim_new({}).value(), last_block);
    EXPECT_TRUE(most.contains(engine("a").claim_new({}).value()));
    const auto none = engine("a").claim_new(all);
    ASSERT_TRUE(none.is_error());
    EXPECT_TRUE(none.error().is(ErrorCode::Unavailable));
}

TEST_F(IdBlocksTest, ADamagedRecordIsNotWrittenOver) {
    ASSERT_TRUE(engine("a").claim_new({}));
    const std::string path = record() + "/blocks.json";
    for (const std::string text :
         {"", "{}", R"({"version":2,"blocks":{}})", R"({"version":1,"blocks":{"1":"/x"}})",
          R"({"version":1,"blocks":{"600":5}})"}) {
        ASSERT_FALSE(sys::write_file_atomic(path, text).is_error());
        const auto refused = engine("a").claim_new({});
        ASSERT_TRUE(refused.is_error()) << text;
        EXPECT_FALSE(refused.error().hint().empty());
        EXPECT_EQ(sys::read_file(path).value(), text);
    }
}

}  // namespace
}  // namespace berth::container
