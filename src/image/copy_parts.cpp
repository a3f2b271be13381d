#include "image/copy_internal.h"

namespace berth::image {

Result<std::string> Origin::document(const oci::Descriptor& descriptor,
                                     const std::stop_token& stop) {
    if (!repository_)
        return store_.services_.content.read(descriptor.digest, oci::max_manifest_bytes);
    return TRY(repository_->fetch_manifest(descriptor.digest.to_string(), stop)).bytes;
}

Result<content::BlobReader> Origin::blob(const oci::Descriptor& descriptor, content::Lease& lease,
                                         const std::stop_token& stop) {
    auto& content = store_.services_.content;
    if (!lease.protect(descriptor.digest)) {
        if (!repository_) return store_.open_blob(descriptor, credentials_, stop);
        auto writer = TRY(content.resume_ingest(descriptor.digest.to_string()));
        TRY(repository_->fetch_blob(
            descriptor, writer.offset(),
            [&](std::span<const std::byte> piece) { return writer.write(piece); }, stop));
        TRY(std::move(writer).commit(
            {.digest = descriptor.digest, .bytes = static_cast<std::uint64_t>(descriptor.size)}));
    }
    return content.open_blob(descriptor.digest);
}

Result<> Copier::copy_document(const oci::Descriptor& descriptor, const std::string& bytes,
                               const std::string& name, int depth) {
    if (depth > max_index_depth)
        return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
    for (const auto& child :
         oci::children(TRY(oci::parse_manifest_or_index(bytes, descriptor.media_type)))) {
        if (!copied_.insert(child.digest).second) continue;
        const bool is_document = oci::media_type::is_index(child.media_type) ||
                                 oci::media_type::is_manifest(child.media_type);
        if (is_document) {
            TRY(copy_document(child, TRY(origin_.document(child, stop_)), child.digest.to_string(),
                              depth + 1));
        } else {
            TRY(copy_blob(child));
        }
    }
    return target_.push_manifest(name, descriptor.media_type, bytes, stop_);
}

Result<> Copier::copy_blob(const oci::Descriptor& blob) {
    const std::string id = blob.digest.short_hex();
    if (TRY(target_.has_blob(blob.digest, stop_))) {
        sink_({.id = id, .status = "Layer already exists"});
        return {};
    }
    sink_({.id = id, .status = "Copying"});
    const auto source = [&](std::uint64_t offset,
                            std::span<std::byte> buffer) -> Result<std::size_t> {
        if (!reader_) reader_.emplace(TRY(origin_.blob(blob, lease_, stop_)));
        return sys::pread(reader_->fd(), buffer, offset);
    };
    reader_.reset();
    TRY(target_.push_blob(blob, source, mount_from, {}, stop_).context("blob ", id));
    sink_({.id = id, .status = "Copied"});
    return {};
}

Result<std::optional<Document>> find_manifest(Origin& origin, Document document,
                                              const oci::Platform& platform, content::Lease& lease,
                                              const std::stop_token& stop, int depth) {
    if (depth > max_index_depth)
        return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
    const auto parsed =
        TRY(oci::parse_manifest_or_index(document.bytes, document.descriptor.media_type));
    if (const auto* index = std::get_if<oci::Index>(&parsed)) {
        for (const auto& entry : index->manifests) {
            if (entry.platform && !oci::media_type::is_index(entry.media_type) &&
                !oci::is_same(platform, *entry.platform))
                continue;
            std::string bytes = TRY(origin.document(entry, stop));
            Document inner{.descriptor = entry, .bytes = std::move(bytes)};
            if (auto found =
                    TRY(find_manifest(origin, std::move(inner), platform, lease, stop, depth + 1)))
                return found;
        }
        return std::optional<Document>();
    }
    // What an index said counts more: many configurations leave the variant out.
    if (document.descriptor.platform) return std::optional(std::move(document));
    auto config_blob = TRY(origin.blob(std::get<oci::Manifest>(parsed).config, lease, stop));
    const auto config = TRY(
        oci::parse_image_config(TRY(codec::read_all(config_blob, oci::max_image_config_bytes))));
    if (!oci::is_same(platform, config.platform)) return std::optional<Document>();
    return std::optional(std::move(document));
}

std::string version_of(const oci::Reference& reference) {
    return reference.has_digest() ? reference.digest().to_string() : reference.tag();
}

}  // namespace berth::image
