#include <algorithm>

#include "base/random.h"
#include "content/store.h"
#include "content/store_internal.h"
#include "sys/large_file.h"

namespace berth::content {

struct BlobWriter::State {
    Store::State* store = nullptr;
    std::string path;
    std::string key;  ///< empty for an anonymous ingest
    sys::Fd fd;
    codec::Sha256 hash;
    std::uint64_t bytes = 0;
    bool is_finished = false;
    std::optional<sys::LargeFile> file;  ///< over `fd`
    /// The last of `bytes`, not yet in the file.
    sys::PageBuffer pending{sys::LargeFile::piece_bytes};

    Result<> open(int flags);
    Result<> append(std::span<const std::byte> added);
    Result<> flush();
    Result<> take_room(std::size_t more) const {
        return store->room != nullptr ? store->room->take(more) : Result<>();
    }
};

Result<> BlobWriter::State::open(int flags) {
    fd = TRY(sys::open(path, O_RDWR | O_CREAT | flags, 0600).context(path));
    file.emplace(fd);
    return {};
}

Result<> BlobWriter::State::append(std::span<const std::byte> added) {
    while (!added.empty()) {
        auto piece = added;
        // In the cached part it goes as it comes; after that, pieces end where the file's do.
        const std::uint64_t start = bytes - pending.size();
        const bool is_cached = start < sys::LargeFile::cached_bytes;
        const std::size_t whole = sys::LargeFile::piece_bytes - start % sys::LargeFile::piece_bytes;
        if (is_cached) {
            TRY(take_room(piece.size()));
            TRY(file->pwrite(piece, start));
        } else {
            piece = piece.first(std::min(piece.size(), whole - pending.size()));
            pending.append(piece);
        }
        hash.update(piece);
        bytes += piece.size();
        added = added.subspan(piece.size());
        if (pending.size() == whole) TRY(flush());
    }
    return {};
}

Result<> BlobWriter::State::flush() {
    if (pending.is_empty()) return {};
    TRY(take_room(pending.size()));
    TRY(file->pwrite(pending.bytes(), bytes - pending.size()));
    pending.clear();
    return {};
}

BlobWriter::BlobWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlobWriter::BlobWriter(BlobWriter&&) noexcept = default;

BlobWriter& BlobWriter::operator=(BlobWriter&& other) noexcept {
    if (this == &other) return *this;
    BlobWriter ended(std::move(*this));
    state_ = std::move(other.state_);
    return *this;
}

BlobWriter::~BlobWriter() {
    if (!state_) return;
    if (!state_->is_finished && state_->key.empty()) {
        sys::unlink(state_->path).ignore("the next open() of the store sweeps it");
    } else if (!state_->is_finished) {
        state_->flush().ignore("a resumption asks for what is missing");
    }
    if (!state_->key.empty()) state_->store->protection.lock()->open_keys.erase(state_->key);
}

Result<> BlobWriter::write(std::span<const std::byte> bytes) {
    return state_->append(bytes).context("store blob");
}

std::uint64_t BlobWriter::offset() const { return state_->bytes; }

Result<> BlobWriter::restart() {
    state_->pending.clear();
    TRY(sys::ftruncate(state_->fd, 0));
    state_->hash = codec::Sha256();
    state_->bytes = 0;
    return {};
}

Result<BlobInfo> BlobWriter::commit(const Expectation& expected) && {
    BlobWriter self(std::move(*this));
    State& state = *self.state_;
    const auto digest = oci::Digest::from_sha256_hex(state.hash.finish_hex());
    if (expected.bytes && *expected.bytes != state.bytes) {
        const std::uint64_t got = state.bytes;
        std::move(self).discard();
        return fail(ErrorCode::Corrupted, "received ", got, " bytes instead of ", *expected.bytes);
    }
    if (expected.digest && *expected.digest != digest) {
        std::move(self).discard();
        return fail(ErrorCode::Corrupted, "received content with digest ", digest, " instead of ",
                    *expected.digest);
    }
    TRY(state.flush().context("store blob ", digest));
    TRY(sys::fsync(state.fd).context("store blob ", digest));
    TRY(state.store->publish(state.path, digest).context("store blob ", digest));
    state.is_finished = true;
    TRY(sys::fsync_parent(state.store->blob_path(digest)).context("store blob ", digest));
    return BlobInfo{.digest = digest, .bytes = state.bytes};
}

void BlobWriter::discard() && {
    BlobWriter self(std::move(*this));
    self.state_->is_finished = true;
    sys::unlink(self.state_->path).ignore("a leftover with a key is found and reused");
}

Result<BlobWriter> Store::create_ingest() {
    auto state = std::make_unique<BlobWriter::State>();
    state->store = state_.get();
    state->path = concat(state_->ingest, "/new-", random_hex(8));
    TRY(state->open(O_EXCL));
    return BlobWriter(std::move(state));
}

Result<BlobWriter> Store::resume_ingest(const std::string& key) {
    auto state = std::make_unique<BlobWriter::State>();
    state->store = state_.get();
    if (!state_->protection.lock()->open_keys.insert(key).second) {
        return fail(ErrorCode::Conflict, "the same content is being received already");
    }
    state->key = key;
    BlobWriter writer(std::move(state));  // from here on gives the key back
    BlobWriter::State& ingest = *writer.state_;
    ingest.path = state_->key_path(key);
    TRY(ingest.open(O_NOFOLLOW));
    std::vector<std::byte> buffer(256 << 10);
    for (;;) {
        const std::size_t got = TRY(sys::read(ingest.fd, buffer).context(ingest.path));
        if (got == 0) break;
        ingest.hash.update(std::span<const std::byte>(buffer).first(got));
        ingest.bytes += got;
    }
    return writer;
}

std::uint64_t Store::ingest_bytes(const std::string& key) const {
    const auto status = sys::fstatat(AT_FDCWD, state_->key_path(key), AT_SYMLINK_NOFOLLOW);
    return status.is_error() ? 0 : static_cast<std::uint64_t>(status->st_size);
}

Result<> Store::remove_ingest(const std::string& key) {
    if (state_->protection.lock()->open_keys.contains(key)) {
        return fail(ErrorCode::Conflict, "the content is being received");
    }
    auto removed = sys::unlink(state_->key_path(key));
    if (removed.is_error() && !removed.error().is(ErrorCode::NotFound)) return removed;
    return {};
}

Result<std::vector<IdleIngest>> Store::idle_ingests() const {
    auto protection = state_->protection.lock();
    std::set<std::string> open_paths;
    for (const auto& key : protection->open_keys) open_paths.insert(state_->key_path(key));
    std::vector<IdleIngest> out;
    for (const auto& entry : TRY(sys::list_dir(state_->ingest))) {
        const std::string path = concat(state_->ingest, "/", entry.name);
        if (!entry.name.starts_with("key-") || open_paths.contains(path)) continue;
        const auto status = sys::fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
        if (status) out.push_back({entry.name, sys::allocated_bytes(*status)});
    }
    return out;
}

Result<std::uint64_t> Store::remove_idle_ingest(const std::string& name) {
    if (!name.starts_with("key-") || name.find('/') != std::string::npos)
        return fail(ErrorCode::InvalidArgument, "'", name, "' is not what a download left");
    const std::string path = concat(state_->ingest, "/", name);
    // The lock keeps a key from being opened between the look and the removal; both are single
    // system calls.
    auto protection = state_->protection.lock();
    for (const auto& key : protection->open_keys)
        if (state_->key_path(key) == path)
            return fail(ErrorCode::Conflict, "the content is being received");
    const auto status = TRY(sys::fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW));
    TRY(sys::unlink(path).context(path));
    return sys::allocated_bytes(status);
}

Result<std::uint64_t> Store::remove_idle_ingests() {
    std::uint64_t bytes = 0;
    for (const auto& idle : TRY(idle_ingests())) {
        auto removed = remove_idle_ingest(idle.name);
        if (removed) {
            bytes += *removed;
        } else if (!removed.error().is(ErrorCode::Conflict) &&
                   !removed.error().is(ErrorCode::NotFound)) {
            return std::move(removed).error();
        }
    }
    return bytes;
}

}  // namespace berth::content
