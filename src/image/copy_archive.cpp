// Between registries and archives: OCI layouts in a tar, whose blobs only pass through.
#include "codec/tar.h"
#include "image/archive_internal.h"
#include "image/copy_internal.h"

namespace berth::image {

namespace {

constexpr std::string_view blob_folder = "blobs/sha256/";
constexpr std::size_t max_archive_entries = 100'000;

/// Takes every blob of the archive into the content store; returns its index.json.
Result<oci::Index> take_layout(content::Store& content, codec::ByteSource& archive,
                               const std::stop_token& stop) {
    codec::TarReader tar(archive, {.entries = max_archive_entries});
    std::optional<std::string> index;
    for (;;) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        const auto entry = TRY(tar.next());
        if (!entry) break;
        std::string_view path = entry->path;
        if (path.starts_with("./")) path.remove_prefix(2);
        const bool is_index = path == "index.json", is_blob = path.starts_with(blob_folder);
        if (entry->type != codec::TarType::File || (!is_index && !is_blob)) continue;
        if (is_index && entry->bytes > oci::max_manifest_bytes)
            return fail(ErrorCode::InvalidArgument, "archive entry index.json is too large");
        std::optional<content::BlobWriter> blob;
        if (is_blob)
            blob = TRY(content.create_ingest());
        else
            index.emplace();
        for (;;) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            if (blob)
                TRY(blob->write(piece));
            else
                index->append(as_text(piece));
        }
        if (!blob) continue;
        const auto digest =
            TRY(oci::Digest::parse(concat("sha256:", path.substr(blob_folder.size())))
                    .context("archive entry ", path));
        TRY(std::move(*blob)
                .commit({.digest = digest, .bytes = {}})
                .context("archive entry ", path));
    }
    if (!index)
        return fail(ErrorCode::InvalidArgument,
                    "the archive is no OCI layout: it lacks index.json");
    return oci::parse_index(*index).context("index.json");
}

/// Documents and blobs into the content store and the archive's list.
Result<> gather(Origin& origin, content::Store& content, content::Lease& lease,
                const Document& document, ArchiveContents& contents, const std::stop_token& stop,
                int depth) {
    if (depth > max_index_depth)
        return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
    TRY(content.put(document.bytes, {.digest = document.descriptor.digest, .bytes = {}}));
    contents.blobs.emplace(document.descriptor.digest, document.descriptor);
    for (const auto& child : oci::children(
             TRY(oci::parse_manifest_or_index(document.bytes, document.descriptor.media_type)))) {
        if (contents.blobs.contains(child.digest)) continue;
        if (oci::media_type::is_index(child.media_type) ||
            oci::media_type::is_manifest(child.media_type)) {
            const Document inner{.descriptor = child, .bytes = TRY(origin.document(child, stop))};
            TRY(gather(origin, content, lease, inner, contents, stop, depth + 1));
        } else {
            TRY(origin.blob(child, lease, stop).context("blob ", child.digest.short_hex()));
            contents.blobs.emplace(child.digest, child);
        }
    }
    return {};
}

Result<oci::Descriptor> send_archive(Store::Implementation& implementation,
                                     codec::ByteSource& archive, std::string_view to,
                                     const CopyOptions& options, const ProgressSink& progress,
                                     const std::stop_token& stop) {
    auto& services = implementation.services_;
    const auto name = TRY(oci::Reference::parse(to)).with_default_tag();
    content::Lease lease = services.content.reading_lease();
    const auto index = TRY(take_layout(services.content, archive, stop));
    if (index.manifests.size() != 1)
        return fail(ErrorCode::InvalidArgument, "the archive's index.json names ",
                    index.manifests.size(), " images, and one is copied at a time");
    Origin origin(implementation, nullptr, {});
    Document document{.descriptor = index.manifests.front(), .bytes = {}};
    document.bytes =
        TRY(origin.document(document.descriptor, stop).context("the archive's index.json"));
    if (options.platform) {
        auto chosen =
            TRY(find_manifest(origin, std::move(document), *options.platform, lease, stop));
        if (!chosen)
            return fail(ErrorCode::NotFound, "no matching manifest for ",
                        options.platform->to_string(), " in the archive");
        document = std::move(*chosen);
    }
    const auto target =
        TRY(services.registries.open(name, remote::Access::PullAndPush, options.credentials));
    Copier copier(origin, *target, progress, lease, stop);
    TRY(copier.copy_document(document.descriptor, document.bytes, version_of(name))
            .context("copy to ", name.familiar()));
    progress({.status = concat(version_of(name), ": digest: ", document.descriptor.digest,
                               " size: ", document.descriptor.size)});
    return document.descriptor;
}

Result<> fetch_archive(Store::Implementation& implementation, std::string_view from,
                       const CopyOptions& options, codec::ByteSink& sink,
                       const std::stop_token& stop) {
    auto& services = implementation.services_;
    const auto name = TRY(oci::Reference::parse(from)).with_default_tag();
    content::Lease lease = services.content.reading_lease();
    const auto source =
        TRY(services.registries.open(name, remote::Access::Pull, options.credentials));
    auto fetched =
        TRY(source->fetch_manifest(version_of(name), stop).context("copy ", name.familiar()));
    Document document{.descriptor = std::move(fetched.descriptor),
                      .bytes = std::move(fetched.bytes)};
    Origin origin(implementation, source.get(), options.credentials);
    if (options.platform) {
        auto chosen =
            TRY(find_manifest(origin, std::move(document), *options.platform, lease, stop));
        if (!chosen)
            return fail(ErrorCode::NotFound, "no matching manifest for ",
                        options.platform->to_string(), " in ", from);
        document = std::move(*chosen);
    }
    ArchiveContents contents;
    TRY(gather(origin, services.content, lease, document, contents, stop, 1)
            .context("copy ", name.familiar()));
    contents.index_entries.push_back(
        index_entry(document.descriptor, name.has_tag() ? &name : nullptr));
    // Readers of Docker's own list get the variant for here; an artifact has none.
    if (const auto image = implementation.open_any(document.descriptor)) {
        contents.docker_entries.push_back(docker_entry(*image));
        if (name.has_tag()) contents.docker_entries[0]["RepoTags"].push_back(name.familiar());
    }
    return write_archive(services, std::move(contents), sink, stop);
}

}  // namespace

Result<oci::Descriptor> Store::copy_from_archive(codec::ByteSource& archive, std::string_view to,
                                                 const CopyOptions& options,
                                                 const ProgressSink& progress,
                                                 std::stop_token stop) {
    auto copied = send_archive(*implementation_, archive, to, options, progress, stop);
    auto collected = implementation_->collect({});
    if (copied && collected.is_error()) return std::move(collected).error();
    return copied;
}

Result<> Store::copy_to_archive(std::string_view from, const CopyOptions& options,
                                codec::ByteSink& sink, std::stop_token stop) {
    auto copied = fetch_archive(*implementation_, from, options, sink, stop);
    auto collected = implementation_->collect({});
    if (copied && collected.is_error()) return std::move(collected).error();
    return copied;
}

}  // namespace berth::image
