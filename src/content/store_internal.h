#pragma once
#include <atomic>
#include <map>
#include <unordered_map>

#include "base/guarded.h"
#include "content/store.h"
#include "sys/remover.h"

namespace berth::content {

/// What is only in memory about blobs: who protects them, and which are new.
struct Protection {
    std::uint64_t next_lease = 1;
    std::map<std::uint64_t, std::set<oci::Digest>> leases;
    std::set<std::uint64_t> making;  ///< leases of what makes something
    std::uint64_t generation = 1;    ///< grows with each begin_collection()
    std::uint64_t made_in = 0;       ///< generation in which the last lease of `making` ended
    std::unordered_map<oci::Digest, std::uint64_t> committed_in;  ///< generation of the commit
    std::set<std::string> open_keys;                              ///< ingests that a writer has
};

struct Store::State {
    std::string blobs;   ///< <root>/blobs/sha256
    std::string ingest;  ///< <root>/ingest
    std::string trash;   ///< <root>/trash
    Guarded<Protection> protection;
    sys::Room* room = nullptr;
    sys::Remover remover;

    std::string blob_path(const oci::Digest& digest) const {
        return concat(blobs, "/", digest.hex());
    }
    /// Keys are hashed, so that any text is a safe file name.
    std::string key_path(const std::string& key) const;
    /// Moves the finished and fsynced file `from` to its name.
    Result<> publish(const std::string& from, const oci::Digest& digest);
    /// Takes a blob's name away at once, and the space of a large one in the background.
    Result<> discard(const oci::Digest& digest, std::uint64_t bytes);
    /// Discards a blob that is not leased and older than the mark.
    Result<> collect_one(const BlobInfo& blob, std::uint64_t mark, Collected& collected);
};

}  // namespace berth::content
