// One archive that both kinds of readers understand: an OCI layout (oci-layout, index.json, blobs/)
// with Docker's manifest.json beside it, whose paths point into the same blobs. image-spec v1.1,
// image-layout.md; Docker 25 and later write the same.
#include <algorithm>

#include "codec/json.h"
#include "codec/sha256.h"
#include "codec/tar.h"
#include "image/archive_internal.h"

namespace berth::image {

using codec::Json;

namespace {

std::string blob_path(const oci::Digest& digest) {
    return concat("blobs/", digest.algorithm(), "/", digest.hex());
}

codec::TarEntry file_entry(std::string path, std::uint64_t bytes) {
    codec::TarEntry entry;
    entry.path = std::move(path);
    entry.mode = 0644;
    entry.bytes = bytes;
    return entry;
}

struct Source {
    std::unique_ptr<codec::ByteSource> bytes;
    std::uint64_t size = 0;
};

Result<Source> open_source(const Services& services, const oci::Descriptor& blob) {
    auto kept = services.content.open_blob(blob.digest);
    if (kept.is_error() && services.snapshots.has_archive(blob.digest)) {
        auto archive = TRY(services.snapshots.open_archive(blob.digest));
        return Source{.bytes = std::move(archive), .size = static_cast<std::uint64_t>(blob.size)};
    }
    auto reader = std::make_unique<content::BlobReader>(TRY(std::move(kept)));
    const std::uint64_t size = reader->bytes();
    return Source{.bytes = std::move(reader), .size = size};
}

Result<> add_blob(codec::TarWriter& tar, const Services& services, const oci::Descriptor& blob,
                  const std::stop_token& stop) {
    const auto& digest = blob.digest;
    const auto source = TRY(open_source(services, blob));
    TRY(tar.begin(file_entry(blob_path(digest), source.size)));
    codec::Sha256 hash;
    std::vector<std::byte> buffer(1 << 20);
    std::uint64_t left = source.size;
    while (left > 0) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        const std::size_t count = TRY(source.bytes->read(std::span(buffer).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left)))));
        if (count == 0) break;
        const auto piece = std::span(buffer).first(count);
        hash.update(piece);
        TRY(tar.write_content(piece));
        left -= count;
    }
    if (left == 0 && hash.finish_hex() == digest.hex()) return {};
    return Error(ErrorCode::Corrupted,
                 concat("blob ", digest, " does not have this digest on disk"))
        .with_hint("remove the image and pull or load it again");
}

}  // namespace

Json index_entry(const oci::Descriptor& target, const oci::Reference* name) {
    Json entry;
    entry["mediaType"] = target.media_type;
    entry["digest"] = target.digest.to_string();
    entry["size"] = target.size;
    if (name != nullptr) {
        entry["annotations"]["io.containerd.image.name"] = name->to_string();
        entry["annotations"]["org.opencontainers.image.ref.name"] = name->tag();
    }
    return entry;
}

Json docker_entry(const Image& image) {
    Json entry;
    entry["Config"] = blob_path(image.config_digest);
    entry["RepoTags"] = Json::array();
    entry["Layers"] = Json::array();
    for (const auto& layer : image.layers) entry["Layers"].push_back(blob_path(layer.blob.digest));
    return entry;
}

Result<> write_archive(const Services& services, ArchiveContents contents, codec::ByteSink& sink,
                       const std::stop_token& stop) {
    Json index;
    index["schemaVersion"] = 2;
    index["mediaType"] = "application/vnd.oci.image.index.v1+json";
    index["manifests"] = std::move(contents.index_entries);
    codec::TarWriter tar(sink);
    for (const auto& [digest, blob] : contents.blobs) TRY(add_blob(tar, services, blob, stop));
    const auto add_text = [&](const std::string& path, const std::string& text) {
        return tar.add(file_entry(path, text.size()), text);
    };
    TRY(add_text("index.json", codec::dump_json(index)));
    TRY(add_text("manifest.json", codec::dump_json(contents.docker_entries)));
    TRY(add_text("oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}"));
    return tar.finish();
}

namespace {

/// Everything under one lease, whose end lets go of what was fetched again.
Result<> save_leased(Store::Implementation& implementation, const std::vector<std::string>& names,
                     const std::optional<oci::Platform>& platform, codec::ByteSink& sink,
                     const remote::CredentialsProvider& credentials, const std::stop_token& stop) {
    auto& content = implementation.services_.content;
    content::Lease lease = content.reading_lease();
    ArchiveContents contents;
    std::map<oci::Digest, std::size_t> docker_entry_of;
    for (const auto& name : names) {
        const auto found = TRY(implementation.find(name));
        std::vector<oci::Reference> references;
        if (found.reference && found.reference->has_tag()) {
            references.push_back(*found.reference);
        }
        const Image image =
            TRY(platform ? implementation.open_image(found.row.descriptor(), *platform, Fit::Exact)
                         : implementation.open_any(found.row.descriptor()));
        const oci::Descriptor target = platform ? image.manifest : found.row.descriptor();
        for (const auto& blob : TRY(implementation.blobs_of(target))) {
            lease.protect(blob.digest);
            contents.blobs.emplace(blob.digest, blob);
        }
        const auto [at, is_new] =
            docker_entry_of.try_emplace(image.manifest.digest, contents.docker_entries.size());
        if (is_new) {
            contents.docker_entries.push_back(docker_entry(image));
        }
        for (const auto& reference : references) {
            contents.docker_entries[at->second]["RepoTags"].push_back(reference.familiar());
            contents.index_entries.push_back(index_entry(target, &reference));
        }
        if (references.empty()) contents.index_entries.push_back(index_entry(target, nullptr));
    }
    std::vector<oci::Descriptor> blobs;
    for (const auto& [digest, blob] : contents.blobs) blobs.push_back(blob);
    const auto layers = implementation.hold_archives(blobs);
    // Dropped ones come back before the first byte is written: a registry out of reach leaves no
    // half archive.
    for (const auto& [digest, blob] : contents.blobs)
        if (!implementation.services_.snapshots.has_archive(digest))
            TRY(implementation.open_blob(blob, credentials, stop));
    return write_archive(implementation.services_, std::move(contents), sink, stop);
}

}  // namespace

Result<> Store::save(const std::vector<std::string>& names,
                     const std::optional<oci::Platform>& platform, codec::ByteSink& sink,
                     std::stop_token stop, const remote::CredentialsProvider& credentials) {
    auto saved = save_leased(*implementation_, names, platform, sink, credentials, stop);
    for (const auto& name : names)
        if (const auto found = implementation_->find(name))
            implementation_->drop_layer_blobs_of(found->row.descriptor());
    if (saved.is_error()) return saved;
    for (const auto& name : names) implementation_->emit("save", name, name);
    return saved;
}

}  // namespace berth::image
