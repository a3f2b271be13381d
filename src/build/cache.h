#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "build/builder.h"
#include "build/executor.h"

namespace berth::build {

/// Results of vertices by key, in the database. Thread-safe.
class Cache {
public:
    /// `is_available` says whether a layer is still on this machine; a record whose layer is gone
    /// does not exist.
    Cache(record::Database& database, std::function<bool(const image::Layer&)> is_available)
        : database_(database), is_available_(std::move(is_available)) {}

    struct Found {
        std::optional<image::Layer> added;
        Timestamp created{};
    };
    /// Nothing when there is no record, or its layer is gone.
    Result<std::optional<Found>> find(const std::string& key);
    struct Record {
        std::string key, parent, type, description;
        std::optional<image::Layer> added;
        std::int64_t bytes = 0;
        Timestamp created{};
    };
    Result<> store(const Record& record);

    /// Digests of selections of layers, which never change.
    Result<std::optional<std::string>> find_digest(const std::string& tree,
                                                   const std::string& selection);
    Result<> store_digest(const std::string& tree, const std::string& selection,
                          const std::string& digest);

    /// Notes when the records of a build were used, at once and without waiting for the disk.
    Result<> touch(const std::set<std::string>& keys, Timestamp now);

    Result<std::vector<CacheRecord>> list() const;
    Result<> remove(const std::string& key);
    /// False when it was used after `since`, or is not there.
    Result<bool> remove_unused(const std::string& key, Timestamp since);
    Result<std::vector<image::Layer>> layers() const;

    /// At most one holder per key; others wait. Two builds that need the same step run it once.
    class Turn {
    public:
        Turn(Turn&& other) noexcept
            : cache_(std::exchange(other.cache_, nullptr)), key_(std::move(other.key_)) {}
        ~Turn();

    private:
        friend class Cache;
        Turn(Cache& cache, std::string key) : cache_(&cache), key_(std::move(key)) {}
        Cache* cache_;
        std::string key_;
    };
    /// Cancelled when stopped meanwhile.
    Result<Turn> take_turn(const std::string& key, const std::stop_token& stop);

private:
    record::Database& database_;
    std::function<bool(const image::Layer&)> is_available_;
    Guarded<std::set<std::string>> running_;
};

}  // namespace berth::build
