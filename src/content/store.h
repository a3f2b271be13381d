#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/sha256.h"
#include "codec/stream.h"
#include "oci/digest.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/room.h"

namespace berth::content {

// Nouns. A *blob* is bytes named by their sha256 digest; it never changes. An *ingest* is a blob
// being received; with a key it survives a broken connection and a restart, and can be resumed. A
// *lease* protects blobs that no root names yet. *Collection* removes every blob that neither a
// root nor a lease names.
//
//     auto lease = store.lease();
//     auto writer = TRY(store.resume_ingest("layer-" + digest.to_string()));
//     ... ask the server from byte writer.offset() on, writer.write(...) ...
//     auto blob = TRY(std::move(writer).commit({.digest = digest, .bytes = size}));
//     ... write the reference that makes it a root ...; lease goes out of scope

/// What the sender promised; what is absent is not checked.
struct Expectation {
    std::optional<oci::Digest> digest;
    std::optional<std::uint64_t> bytes;
};

struct BlobInfo {
    oci::Digest digest;
    std::uint64_t bytes = 0;
    std::uint64_t disk_bytes = 0;  ///< allocated for it; only list() fills it in
};

/// What is kept of a reception that broke off, for resume_ingest().
struct IdleIngest {
    std::string name;  ///< of its file
    std::uint64_t disk_bytes = 0;
};

class Store;

/// A blob being received. Invisible to readers until commit(). Dropping it discards what was
/// written, unless it has a key: then the bytes stay for resume_ingest(). One thread at a time.
class BlobWriter final : public codec::ByteSink {
public:
    BlobWriter(BlobWriter&&) noexcept;
    BlobWriter& operator=(BlobWriter&&) noexcept;
    ~BlobWriter() override;

    /// Appends. NoSpace when the disk is full; Corrupted as soon as there are more bytes than
    /// expect_bytes() allowed.
    Result<> write(std::span<const std::byte> bytes) override;
    /// How many bytes are there, those of the resumed ingest included.
    std::uint64_t offset() const;
    /// Throws away what was received and starts at offset 0 (the server does not know ranges).
    Result<> restart();
    /// Publishes the blob durably. Corrupted when digest or size is not the expected one; the bytes
    /// are then discarded, with a key too. A blob that exists already is fine.
    Result<BlobInfo> commit(const Expectation& expected = {}) &&;
    /// Discards the bytes even with a key.
    void discard() &&;

private:
    friend class Store;
    struct State;
    explicit BlobWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// A blob's bytes as a source.
class BlobReader final : public codec::ByteSource {
public:
    BlobReader(sys::Fd fd, std::uint64_t bytes) : fd_(std::move(fd)), bytes_(bytes) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        return sys::read(fd_, buffer);
    }
    std::uint64_t bytes() const { return bytes_; }
    sys::BorrowedFd fd() const { return fd_; }

private:
    sys::Fd fd_;
    std::uint64_t bytes_;
};

/// Keeps blobs from being collected: those named by protect() and every blob committed while it
/// lives. Movable; ends with its destruction. Must not outlive the store.
class Lease {
public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();
    /// For a blob that is already there. False when it is not (any more): then it must be fetched.
    bool protect(const oci::Digest& digest);
    /// For what is no blob: an image's id, a layer's diff id. Store::leased() has them, and who
    /// removes such things looks there.
    void note(const oci::Digest& digest);

private:
    friend class Store;
    Lease(Store* store, std::uint64_t id) : store_(store), id_(id) {}
    Store* store_ = nullptr;
    std::uint64_t id_ = 0;
};

/// What collect() removed.
struct Collected {
    std::vector<oci::Digest> removed;
    std::uint64_t bytes = 0, disk_bytes = 0;
};

/// All blobs below one directory: `blobs/sha256/<hex>`, `ingest/`, and `trash/` for what is on its
/// way out. Safe to use from many threads.
class Store {
public:
    /// Creates the directories if needed and sweeps what a crash left (ingests without a key).
    /// `room` is asked before anything is written, and outlives the store; null: there is enough.
    static Result<std::unique_ptr<Store>> open(const std::string& root, sys::Room* room = nullptr);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    Result<BlobWriter> create_ingest();
    /// The ingest of this key with the bytes it has, or a new one. Conflict while another writer
    /// has it. `key` is any text. Bytes that are there are hashed again, at about 2 GB/s.
    Result<BlobWriter> resume_ingest(const std::string& key);
    /// How many bytes an ingest of this key holds; 0 without one.
    std::uint64_t ingest_bytes(const std::string& key) const;
    Result<> remove_ingest(const std::string& key);
    /// Everything that is kept for a resumption and that nobody is receiving now.
    Result<std::vector<IdleIngest>> idle_ingests() const;
    /// Discards one of them; returns its bytes. Conflict when somebody goes on with it now,
    /// NotFound without it.
    Result<std::uint64_t> remove_idle_ingest(const std::string& name);
    /// Discards all of them; returns their bytes.
    Result<std::uint64_t> remove_idle_ingests();
    /// Stores `bytes` at once.
    Result<BlobInfo> put(std::string_view bytes, const Expectation& expected = {});

    /// NotFound without the blob. The bytes are as the disk has them: verify() or read() check
    /// them.
    Result<BlobReader> open_blob(const oci::Digest& digest) const;
    /// The whole blob, at most `limit` bytes; Corrupted when it is not what its digest says.
    Result<std::string> read(const oci::Digest& digest, std::size_t limit = 16 << 20) const;
    bool has(const oci::Digest& digest) const;
    Result<std::uint64_t> size(const oci::Digest& digest) const;
    /// Reads the blob through; Corrupted when it is not what its digest says.
    Result<> verify(const oci::Digest& digest) const;
    /// Absent is fine. Readers that have it open keep reading.
    Result<> remove(const oci::Digest& digest);
    Result<std::vector<BlobInfo>> list() const;
    /// Bytes on disk, ingests included.
    Result<std::uint64_t> usage() const;

    /// To be asked before bytes are written beside the store, in the same data root: NoSpace when
    /// they must not be.
    Result<> take_room(std::uint64_t bytes);
    /// Blocks until what was removed has given its space back.
    void wait_for_removals();

    Lease lease();
    /// The same for what only reads blobs: saves, pushes, copies. It makes nothing that is not
    /// named yet.
    Lease reading_lease();
    /// What is protected now.
    std::set<oci::Digest> leased() const;
    /// Whether nobody holds a lease of the first kind or has held one since this mark of
    /// begin_collection(): nothing was being pulled, built or made.
    bool was_quiet_since(std::uint64_t mark) const;
    /// Sleeps until nobody does; false when stopped.
    bool wait_without_leases(const std::stop_token& stop) const;
    /// Call before the roots are read: blobs committed from now on are spared by the collect() with
    /// this mark.
    std::uint64_t begin_collection();
    /// Removes every blob that is not in `roots`, not leased and older than the mark.
    Result<Collected> collect(std::uint64_t mark, const std::set<oci::Digest>& roots);
    /// Removes of these the blobs that are not leased and older than the mark.
    Result<Collected> remove_unleased(std::uint64_t mark, const std::set<oci::Digest>& digests);

private:
    friend class Lease;
    friend class BlobWriter;
    struct State;
    explicit Store(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace berth::content
