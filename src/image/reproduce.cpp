// Blobs that are not kept since a layer gives them again: the archive that it was made of, and what
// a push made of that. The first is so by its digest. The second is compressed by the program that
// compressed it before; should another version do that differently, the registry that took it has
// it.
#include "codec/compression.h"
#include "codec/sha256.h"
#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

namespace {

/// Returns the digest of what was copied.
Result<oci::Digest> pour(codec::ByteSource& from, codec::ByteSink& to,
                         const std::stop_token& stop) {
    codec::Sha256 hash;
    std::vector<std::byte> buffer(1 << 20);
    for (;;) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        const std::size_t count = TRY(from.read(buffer));
        if (count == 0) return oci::Digest::from_sha256_hex(hash.finish_hex());
        const auto piece = std::span<const std::byte>(buffer).first(count);
        hash.update(piece);
        TRY(to.write(piece));
    }
}

/// The layer whose archive a push compressed to this blob.
Result<std::optional<oci::Digest>> archive_of(const Services& services, const oci::Digest& blob) {
    auto statement = TRY(services.database.prepare(
        "SELECT diff_id FROM compressed_layer WHERE digest = ?1", blob.to_string()));
    if (!TRY(statement.step())) return std::optional<oci::Digest>();
    return std::optional(TRY(oci::Digest::parse(statement.text(0))));
}

Result<content::BlobInfo> compress(const Services& services, const oci::Digest& diff_id,
                                   const content::Expectation& expected,
                                   const std::stop_token& stop) {
    const auto archive = TRY(services.snapshots.open_archive(diff_id));
    auto writer = TRY(services.content.create_ingest());
    const auto compressor = codec::make_compressor(codec::Compression::Gzip, writer);
    if (TRY(pour(*archive, *compressor, stop)) != diff_id)
        return fail(ErrorCode::Corrupted, "the layer does not give its archive any more");
    TRY(compressor->finish());
    return std::move(writer).commit(expected);
}

}  // namespace

Result<bool> Store::Implementation::reproduce(const oci::Descriptor& blob,
                                              const std::stop_token& stop) const {
    const content::Expectation expected{.digest = blob.digest,
                                        .bytes = static_cast<std::uint64_t>(blob.size)};
    Result<content::BlobInfo> made = content::BlobInfo();
    if (services_.snapshots.has_archive(blob.digest)) {
        const auto archive = TRY(services_.snapshots.open_archive(blob.digest));
        auto writer = TRY(services_.content.create_ingest());
        TRY(pour(*archive, writer, stop));
        made = std::move(writer).commit(expected);
    } else {
        const auto diff_id = TRY(archive_of(services_, blob.digest));
        if (!diff_id || !services_.snapshots.has_archive(*diff_id)) return false;
        made = compress(services_, *diff_id, expected, stop);
    }
    if (made.is_error() && !made.error().is(ErrorCode::Corrupted)) return std::move(made).error();
    return !made.is_error();
}

std::optional<content::Lease> Store::Implementation::hold_archives(
    const std::vector<oci::Descriptor>& blobs) const {
    std::optional<content::Lease> lease;
    for (const auto& blob : blobs) {
        if (!services_.snapshots.has_archive(blob.digest)) continue;
        if (!lease) lease.emplace(services_.content.lease());
        lease->note(blob.digest);
    }
    return lease;
}

Result<std::optional<oci::Descriptor>> Store::Implementation::find_compressed(
    const oci::Descriptor& layer) const {
    auto statement = TRY(services_.database.prepare(
        "SELECT digest, size FROM compressed_layer WHERE diff_id = ?1", layer.digest.to_string()));
    if (!TRY(statement.step())) return std::optional<oci::Descriptor>();
    oci::Descriptor out = layer;
    out.digest = TRY(oci::Digest::parse(statement.text(0)));
    out.size = statement.integer(1);
    out.media_type = layer.media_type == oci::media_type::oci_layer
                         ? oci::media_type::oci_layer_gzip
                         : oci::media_type::docker_layer_gzip;
    return std::optional(std::move(out));
}

Result<oci::Descriptor> Store::Implementation::compress_layer(const oci::Descriptor& layer,
                                                              const std::stop_token& stop) const {
    const auto made = TRY(compress(services_, layer.digest, {}, stop));
    auto transaction = TRY(services_.database.begin(record::Durability::Relaxed));
    TRY(services_.database.execute("DELETE FROM compressed_layer WHERE diff_id = ?1",
                                   layer.digest.to_string()));
    TRY(services_.database.execute(
        "INSERT OR REPLACE INTO compressed_layer (digest, diff_id, size) VALUES (?1, ?2, ?3)",
        made.digest.to_string(), layer.digest.to_string(), static_cast<std::int64_t>(made.bytes)));
    TRY(std::move(transaction).commit());
    return *TRY(find_compressed(layer));
}

Result<oci::Descriptor> Store::Implementation::compressed_layer(const oci::Descriptor& layer,
                                                                content::Lease& lease) const {
    auto known = TRY(find_compressed(layer));
    if (known && lease.protect(known->digest)) return std::move(*known);
    return compress_layer(layer, {});
}

}  // namespace berth::image
