#include "content/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace berth::content {
namespace {

class StoreTest : public testing::Test {
protected:
    void SetUp() override { reopen(); }
    void reopen() {
        store_.reset();
        store_ = Store::open(temp_.path()).value();
    }
    std::string blob_path(const oci::Digest& digest) {
        return concat(temp_.path(), "/blobs/sha256/", digest.hex());
    }
    std::size_t ingests() { return sys::list_dir(temp_.path() + "/ingest").value().size(); }

    sys::TempDir temp_ = sys::TempDir::create().value();
    std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, KeepsBlobsByDigest) {
    const auto blob = store_->put("hello").value();
    EXPECT_EQ(blob.digest, oci::Digest::of("hello"));
    reopen();
    EXPECT_TRUE(store_->has(blob.digest));
    EXPECT_EQ(store_->size(blob.digest).value(), 5U);
    EXPECT_EQ(store_->read(blob.digest).value(), "hello");
    EXPECT_TRUE(store_->read(blob.digest, 4).error().is(ErrorCode::InvalidArgument));
    EXPECT_EQ(store_->list().value().size(), 1U);
    EXPECT_TRUE(store_->read(oci::Digest::of("absent")).error().is(ErrorCode::NotFound));
    EXPECT_TRUE(store_->put("hello").value().digest == blob.digest);
    EXPECT_EQ(ingests(), 0U);
}

TEST_F(StoreTest, RefusesContentThatIsNotWhatWasPromised) {
    const Expectation wrong_digest = {.digest = oci::Digest::of("other"), .bytes = {}};
    const Expectation wrong_size = {.digest = {}, .bytes = 6};
    for (const auto& expected : {wrong_digest, wrong_size}) {
        const auto blob = store_->put("hello", expected);
        ASSERT_TRUE(blob.is_error());
        EXPECT_TRUE(blob.error().is(ErrorCode::Corrupted));
    }
    EXPECT_TRUE(store_->list().value().empty());
    EXPECT_EQ(ingests(), 0U);
}

TEST_F(StoreTest, ResumesAnIngestAcrossARestart) {
    {
        auto writer = store_->resume_ingest("layer/../1").value();
        writer.write(as_bytes("hel")).value();
        EXPECT_TRUE(store_->resume_ingest("layer/../1").error().is(ErrorCode::Conflict));
    }
    reopen();
    EXPECT_EQ(store_->ingest_bytes("layer/../1"), 3U);
    auto writer = store_->resume_ingest("layer/../1").value();
    EXPECT_EQ(writer.offset(), 3U);
    writer.write(as_bytes("lo")).value();
    EXPECT_EQ(
        std::move(writer).commit({.digest = oci::Digest::of("hello"), .bytes = 5}).value().bytes,
        5U);
    EXPECT_EQ(ingests(), 0U);
    auto again = store_->resume_ingest("layer/../1").value();
    EXPECT_EQ(again.offset(), 0U);
    again.write(as_bytes("garbage")).value();
    again.restart().value();
    again.write(as_bytes("x")).value();
    EXPECT_EQ(std::move(again).commit().value().digest, oci::Digest::of("x"));
}

TEST_F(StoreTest, KeepsLargeBlobsWholeHoweverTheyCome) {
    std::string bytes(9'000'001, 0);
    std::uint32_t state = 1;
    for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    const auto digest = oci::Digest::of(bytes);
    for (const std::size_t piece : {4096U, 65'521U, 1U << 20U, 5'000'000U}) {
        std::size_t done = 0;
        // A connection that breaks twice, once before and once after what goes past the cache.
        for (const std::size_t until : {3'000'000UL, 7'654'321UL, bytes.size()}) {
            auto writer = store_->resume_ingest("large").value();
            EXPECT_EQ(writer.offset(), done);
            while (done < until) {
                const std::size_t count = std::min(piece, until - done);
                writer.write(as_bytes(std::string_view(bytes).substr(done, count))).value();
                done += count;
            }
            if (done < bytes.size()) continue;
            EXPECT_EQ(std::move(writer).commit().value().digest, digest);
        }
        EXPECT_FALSE(store_->verify(digest).is_error());
        EXPECT_EQ(store_->read(digest).value(), bytes);
        store_->remove(digest).value();
    }
}

TEST_F(StoreTest, SweepsWhatACrashLeft) {
    sys::write_file_atomic(temp_.path() + "/ingest/new-0123", "half").value();
    sys::write_file_atomic(temp_.path() + "/blobs/sha256/not-a-digest", "x").value();
    reopen();
    EXPECT_EQ(ingests(), 0U);
    EXPECT_TRUE(store_->list().value().empty());
}

TEST_F(StoreTest, NoticesCorruptionAndHealsByReceivingAgain) {
    const auto blob = store_->put("hello").value();
    sys::write_file_atomic(blob_path(blob.digest), "hellO").value();
    EXPECT_TRUE(store_->read(blob.digest).error().is(ErrorCode::Corrupted));
    EXPECT_TRUE(store_->verify(blob.digest).error().is(ErrorCode::Corrupted));
    store_->put("hello").value();
    EXPECT_FALSE(store_->verify(blob.digest).is_error());
}

TEST_F(StoreTest, CollectsOnlyWhatNothingProtects) {
    const auto root = store_->put("root").value().digest;
    const auto leased = store_->put("leased").value().digest;
    const auto loose = store_->put("loose").value().digest;
    std::optional<Lease> lease = store_->lease();
    EXPECT_TRUE(lease->protect(leased));
    EXPECT_FALSE(lease->protect(oci::Digest::of("absent")));
    const auto during = store_->put("during the lease").value().digest;
    const auto mark = store_->begin_collection();
    std::optional<Lease> other = store_->lease();
    other.reset();
    const auto late = store_->put("after the mark").value().digest;
    const auto collected = store_->collect(mark, {root}).value();
    EXPECT_THAT(collected.removed, testing::ElementsAre(loose));
    EXPECT_EQ(collected.bytes, 5U);
    for (const auto& digest : {root, leased, during, late}) EXPECT_TRUE(store_->has(digest));
    lease.reset();
    EXPECT_EQ(store_->collect(store_->begin_collection(), {root}).value().removed.size(), 3U);
}

TEST_F(StoreTest, RemovesOfWhatIsNamedWhatNothingProtects) {
    const auto loose = store_->put("loose").value().digest;
    const auto other = store_->put("other").value().digest;
    const auto leased = store_->put("leased").value().digest;
    std::optional<Lease> lease = store_->reading_lease();
    EXPECT_TRUE(lease->protect(leased));
    const auto mark = store_->begin_collection();
    std::optional<Lease> short_lease = store_->lease();
    short_lease.reset();
    const auto late = store_->put("after the mark").value().digest;
    const std::set named{loose, leased, late, oci::Digest::of("absent")};
    const auto removed = store_->remove_unleased(mark, named).value();
    EXPECT_THAT(removed.removed, testing::ElementsAre(loose));
    EXPECT_EQ(removed.bytes, 5U);
    for (const auto& digest : {other, leased, late}) EXPECT_TRUE(store_->has(digest));
    lease.reset();
    EXPECT_EQ(store_->remove_unleased(store_->begin_collection(), named).value().removed.size(),
              2U);
}

TEST_F(StoreTest, SparesWhatALeaseHeldWhileTheRootsWereRead) {
    const auto found = store_->put("found by a pull").value().digest;
    const auto mark = store_->begin_collection();
    {
        auto pull = store_->lease();
        EXPECT_TRUE(pull.protect(found));
    }  // its row is written by now, after the roots were read
    EXPECT_TRUE(store_->collect(mark, {}).value().removed.empty());
    EXPECT_EQ(store_->collect(store_->begin_collection(), {}).value().removed.size(), 1U);
}

TEST_F(StoreTest, KnowsWhetherAnythingWasMadeSinceAMark) {
    const auto mark = store_->begin_collection();
    { const auto reading = store_->reading_lease(); }
    EXPECT_TRUE(store_->was_quiet_since(mark));
    std::optional<Lease> making = store_->lease();
    EXPECT_FALSE(store_->was_quiet_since(mark));
    const auto later = store_->begin_collection();
    making.reset();
    EXPECT_FALSE(store_->was_quiet_since(later));
    EXPECT_TRUE(store_->was_quiet_since(store_->begin_collection()));
}

TEST_F(StoreTest, ServesManyThreads) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const auto text = concat("blob ", (t * 7 + i) % 25);
                const auto blob = store_->put(text).value();
                EXPECT_EQ(store_->read(blob.digest).value(), text);
            }
        });
    }
    threads.clear();
    EXPECT_EQ(store_->list().value().size(), 25U);
}

}  // namespace
}  // namespace berth::content
