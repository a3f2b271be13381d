#include "content/store.h"

#include <algorithm>

#include "base/random.h"
#include "content/store_internal.h"

namespace berth::content {
namespace {

constexpr std::string_view anonymous_prefix = "new-";
constexpr std::string_view keyed_prefix = "key-";
constexpr std::string_view discarded_prefix = "blob-";
/// The file system takes its time to give back the space of files from about this size on.
constexpr std::uint64_t large_bytes = 1 << 20;

/// Only sha256 names blobs; an image with sha512 digests is refused where it comes in.
Result<> check_algorithm(const oci::Digest& digest) {
    if (digest.algorithm() == "sha256") return {};
    return fail(ErrorCode::Unsupported, "digest ", digest, ": only sha256 is supported");
}

}  // namespace

std::string Store::State::key_path(const std::string& key) const {
    return concat(ingest, "/", keyed_prefix, codec::sha256_hex(as_bytes(key)));
}

Result<> Store::State::publish(const std::string& from, const oci::Digest& digest) {
    // One lock spans the check for "in use" in collect() and the name's appearance here: a blob
    // that is being committed again while it is being collected must not vanish. Both sides do no
    // more than a rename under it.
    auto protection = this->protection.lock();
    // Over an existing blob too: should that one have gone bad on disk, receiving it again heals
    // it.
    TRY(sys::rename(from, blob_path(digest)));
    protection->committed_in[digest] = protection->generation;
    for (auto& lease : protection->leases) lease.second.insert(digest);
    return {};
}

Result<> Store::State::discard(const oci::Digest& digest, std::uint64_t bytes) {
    if (bytes >= large_bytes) {
        std::string discarded = concat(trash, "/", discarded_prefix, random_hex(8));
        if (!sys::rename(blob_path(digest), discarded).is_error()) {
            remover.remove(std::move(discarded));
            return {};
        }
        // A full disk may have no room for another name.
    }
    return sys::unlink(blob_path(digest));
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& root, sys::Room* room) {
    auto state = std::make_unique<State>();
    state->room = room;
    state->blobs = concat(root, "/blobs/sha256");
    state->ingest = concat(root, "/ingest");
    state->trash = concat(root, "/trash");
    TRY(sys::mkdir_all(state->blobs, 0700));
    TRY(sys::mkdir_all(state->ingest, 0700));
    TRY(sys::mkdir_all(state->trash, 0700));
    for (const auto& entry : TRY(sys::list_dir(state->ingest))) {
        if (!entry.name.starts_with(anonymous_prefix)) continue;
        TRY(sys::unlink(concat(state->ingest, "/", entry.name)).context("sweep ", state->ingest));
    }
    for (const auto& entry : TRY(sys::list_dir(state->trash)))
        if (entry.name.starts_with(discarded_prefix))
            state->remover.remove(concat(state->trash, "/", entry.name));
    return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<BlobInfo> Store::put(std::string_view bytes, const Expectation& expected) {
    BlobWriter writer = TRY(create_ingest());
    TRY(writer.write(as_bytes(bytes)));
    return std::move(writer).commit(expected);
}

Result<BlobReader> Store::open_blob(const oci::Digest& digest) const {
    TRY(check_algorithm(digest));
    sys::Fd fd =
        TRY(sys::open(state_->blob_path(digest), O_RDONLY | O_NOFOLLOW).context("blob ", digest));
    const struct stat status = TRY(sys::fstat(fd));
    return BlobReader(std::move(fd), static_cast<std::uint64_t>(status.st_size));
}

Result<std::string> Store::read(const oci::Digest& digest, std::size_t limit) const {
    const BlobReader reader = TRY(open_blob(digest));
    std::string bytes = TRY(sys::read_all(reader.fd(), limit).context("blob ", digest));
    if (oci::Digest::of(bytes) != digest) {
        return Error(ErrorCode::Corrupted,
                     concat("blob ", digest, " does not have this digest on disk"))
            .with_hint("remove the image and pull it again");
    }
    return bytes;
}

bool Store::has(const oci::Digest& digest) const {
    return digest.algorithm() == "sha256" && sys::exists(state_->blob_path(digest));
}

Result<std::uint64_t> Store::size(const oci::Digest& digest) const {
    TRY(check_algorithm(digest));
    const auto status = TRY(sys::fstatat(AT_FDCWD, state_->blob_path(digest), AT_SYMLINK_NOFOLLOW)
                                .context("blob ", digest));
    return static_cast<std::uint64_t>(status.st_size);
}

Result<> Store::verify(const oci::Digest& digest) const {
    BlobReader reader = TRY(open_blob(digest));
    codec::Sha256 hash;
    std::vector<std::byte> buffer(256 << 10);
    for (;;) {
        const std::size_t got = TRY(reader.read(buffer).context("blob ", digest));
        if (got == 0) break;
        hash.update(std::span<const std::byte>(buffer).first(got));
    }
    if (hash.finish_hex() == digest.hex()) return {};
    return Error(ErrorCode::Corrupted,
                 concat("blob ", digest, " does not have this digest on disk"))
        .with_hint("remove the image and pull it again");
}

Result<> Store::remove(const oci::Digest& digest) {
    TRY(check_algorithm(digest));
    auto protection = state_->protection.lock();
    const auto bytes = size(digest);
    auto removed = state_->discard(digest, bytes ? *bytes : 0);
    if (removed.is_error() && !removed.error().is(ErrorCode::NotFound)) {
        return std::move(removed).context("blob ", digest);
    }
    protection->committed_in.erase(digest);
    return {};
}

Result<std::vector<BlobInfo>> Store::list() const {
    std::vector<BlobInfo> blobs;
    for (const auto& entry : TRY(sys::list_dir(state_->blobs))) {
        const auto digest = oci::Digest::parse(concat("sha256:", entry.name));
        if (digest.is_error()) continue;
        const auto status = sys::fstatat(AT_FDCWD, state_->blob_path(*digest), AT_SYMLINK_NOFOLLOW);
        if (!status) continue;
        blobs.push_back({.digest = *digest,
                         .bytes = static_cast<std::uint64_t>(status->st_size),
                         .disk_bytes = sys::allocated_bytes(*status)});
    }
    std::sort(blobs.begin(), blobs.end(),
              [](const auto& a, const auto& b) { return a.digest < b.digest; });
    return blobs;
}

Result<std::uint64_t> Store::usage() const {
    return TRY(sys::disk_usage(state_->blobs)) + TRY(sys::disk_usage(state_->ingest));
}

bool Store::was_quiet_since(std::uint64_t mark) const {
    auto protection = state_->protection.lock();
    return protection->making.empty() && protection->made_in < mark;
}

bool Store::wait_without_leases(const std::stop_token& stop) const {
    return state_->protection.lock().wait(
        stop, [](const Protection& protection) { return protection.making.empty(); });
}

Result<> Store::take_room(std::uint64_t bytes) {
    return state_->room != nullptr ? state_->room->take(bytes) : Result<>();
}

void Store::wait_for_removals() { state_->remover.wait(); }

std::set<oci::Digest> Store::leased() const {
    std::set<oci::Digest> out;
    auto protection = state_->protection.lock();
    for (const auto& [id, digests] : protection->leases) out.insert(digests.begin(), digests.end());
    return out;
}

Lease Store::lease() {
    Lease lease = reading_lease();
    state_->protection.lock()->making.insert(lease.id_);
    return lease;
}

Lease Store::reading_lease() {
    auto protection = state_->protection.lock();
    const std::uint64_t id = protection->next_lease++;
    protection->leases[id];
    return Lease(this, id);
}

Lease::Lease(Lease&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), id_(other.id_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    Lease ended(std::move(*this));
    store_ = std::exchange(other.store_, nullptr);
    id_ = other.id_;
    return *this;
}

Lease::~Lease() {
    if (store_ == nullptr) return;
    {
        auto protection = store_->state_->protection.lock();
        // A collection that runs read its roots before the lease's owner wrote what makes these
        // blobs roots.
        for (const oci::Digest& digest : protection->leases[id_]) {
            if (store_->has(digest)) protection->committed_in[digest] = protection->generation;
        }
        protection->leases.erase(id_);
        if (protection->making.erase(id_) == 0) return;
        protection->made_in = protection->generation;
    }
    store_->state_->protection.notify_all();
}

bool Lease::protect(const oci::Digest& digest) {
    auto protection = store_->state_->protection.lock();
    if (!store_->has(digest)) return false;
    protection->leases[id_].insert(digest);
    return true;
}

void Lease::note(const oci::Digest& digest) {
    store_->state_->protection.lock()->leases[id_].insert(digest);
}

std::uint64_t Store::begin_collection() { return ++state_->protection.lock()->generation; }

Result<> Store::State::collect_one(const BlobInfo& blob, std::uint64_t mark, Collected& collected) {
    auto protection = this->protection.lock();
    const auto committed = protection->committed_in.find(blob.digest);
    if (committed != protection->committed_in.end() && committed->second >= mark) return {};
    const bool is_leased =
        std::any_of(protection->leases.begin(), protection->leases.end(),
                    [&](const auto& lease) { return lease.second.contains(blob.digest); });
    if (is_leased) return {};
    auto removed = discard(blob.digest, blob.bytes);
    if (removed.is_error()) {
        if (removed.error().is(ErrorCode::NotFound)) return {};
        return std::move(removed).error().with_context(concat("blob ", blob.digest));
    }
    protection->committed_in.erase(blob.digest);
    collected.bytes += blob.bytes;
    collected.disk_bytes += blob.disk_bytes;
    collected.removed.push_back(blob.digest);
    return {};
}

Result<Collected> Store::collect(std::uint64_t mark, const std::set<oci::Digest>& roots) {
    Collected collected;
    for (const BlobInfo& blob : TRY(list())) {
        if (roots.contains(blob.digest)) continue;
        TRY(state_->collect_one(blob, mark, collected));
    }
    return collected;
}

Result<Collected> Store::remove_unleased(std::uint64_t mark, const std::set<oci::Digest>& digests) {
    Collected collected;
    for (const oci::Digest& digest : digests) {
        const auto status = sys::fstatat(AT_FDCWD, state_->blob_path(digest), AT_SYMLINK_NOFOLLOW);
        if (!status) continue;
        TRY(state_->collect_one({.digest = digest,
                                 .bytes = static_cast<std::uint64_t>(status->st_size),
                                 .disk_bytes = sys::allocated_bytes(*status)},
                                mark, collected));
    }
    return collected;
}

}  // namespace berth::content
