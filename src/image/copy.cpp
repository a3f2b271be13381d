// From one registry to another, or from here to one, as it is: nothing is unpacked, and what the
// target has is not sent.
#include <algorithm>
#include <set>

#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

namespace {

/// Where documents and blobs come from.
class Origin {
public:
    Origin(Store::Implementation& store, remote::Repository* repository,
           remote::CredentialsProvider credentials)
        : store_(store),
          content_(store.services_.content),
          repository_(repository),
          credentials_(std::move(credentials)) {}

    Result<std::string> document(const oci::Descriptor& descriptor, const std::stop_token& stop) {
        if (!repository_) return content_.read(descriptor.digest, oci::max_manifest_bytes);
        return TRY(repository_->fetch_manifest(descriptor.digest.to_string(), stop)).bytes;
    }
    /// The blob in the content store, fetched when it is not there; under the caller's lease.
    Result<content::BlobReader> blob(const oci::Descriptor& descriptor, content::Lease& lease,
                                     const std::stop_token& stop) {
        if (!lease.protect(descriptor.digest)) {
            if (!repository_) return store_.open_blob(descriptor, credentials_, stop);
            auto writer = TRY(content_.resume_ingest(descriptor.digest.to_string()));
            TRY(repository_->fetch_blob(
                descriptor, writer.offset(),
                [&](std::span<const std::byte> piece) { return writer.write(piece); }, stop));
            TRY(std::move(writer).commit({.digest = descriptor.digest,
                                          .bytes = static_cast<std::uint64_t>(descriptor.size)}));
        }
        return content_.open_blob(descriptor.digest);
    }

private:
    Store::Implementation& store_;
    content::Store& content_;
    remote::Repository* repository_;  // null: what is here, or was dropped
    remote::CredentialsProvider credentials_;
};

class Copier {
public:
    Copier(Origin& origin, remote::Repository& target, const ProgressSink& sink,
           content::Lease& lease, std::stop_token stop)
        : origin_(origin), target_(target), sink_(sink), lease_(lease), stop_(std::move(stop)) {}

    std::vector<std::string> mount_from;

    /// What the document names, then the document itself, under its digest or a tag.
    Result<> copy_document(const oci::Descriptor& descriptor, const std::string& bytes,
                           const std::string& name, int depth) {
        if (depth > max_index_depth)
            return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
        for (const auto& child :
             oci::children(TRY(oci::parse_manifest_or_index(bytes, descriptor.media_type)))) {
            if (!copied_.insert(child.digest).second) continue;
            const bool is_document = oci::media_type::is_index(child.media_type) ||
                                     oci::media_type::is_manifest(child.media_type);
            if (is_document) {
                TRY(copy_document(child, TRY(origin_.document(child, stop_)),
                                  child.digest.to_string(), depth + 1));
            } else {
                TRY(copy_blob(child));
            }
        }
        return target_.push_manifest(name, descriptor.media_type, bytes, stop_);
    }

private:
    Result<> copy_blob(const oci::Descriptor& blob) {
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

    Origin& origin_;
    remote::Repository& target_;
    const ProgressSink& sink_;
    content::Lease& lease_;
    std::stop_token stop_;
    std::set<oci::Digest> copied_;
    std::optional<content::BlobReader>
        reader_;  // of the blob that is being sent; fetched only when it must be
};

/// A document of a registry or of here.
struct Document {
    oci::Descriptor descriptor;
    std::string bytes;
};

/// The manifest made for a platform: in an index, in an index in it, or the document itself. Empty
/// without one.
Result<std::optional<Document>> find_manifest(Origin& origin, Document document,
                                              const oci::Platform& platform, content::Lease& lease,
                                              int depth, const std::stop_token& stop) {
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
                    TRY(find_manifest(origin, std::move(inner), platform, lease, depth + 1, stop)))
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

/// What stands here under a name; without what is missing of an index, which a registry refuses.
Result<Document> find_here(Store::Implementation& implementation, std::string_view name,
                           const std::optional<oci::Platform>& platform) {
    oci::Descriptor target = TRY(implementation.find(name)).row.descriptor();
    const Target read = TRY(implementation.read_target(target));
    const auto is_missing = [&](const oci::Descriptor& manifest) {
        return !implementation.services_.content.has(manifest.digest);
    };
    if (platform || std::any_of(read.manifests.begin(), read.manifests.end(), is_missing))
        target = TRY(platform ? implementation.open_image(target, *platform, Fit::Exact)
                              : implementation.open_any(target))
                     .manifest;
    std::string bytes =
        TRY(implementation.services_.content.read(target.digest, oci::max_manifest_bytes));
    return Document{.descriptor = std::move(target), .bytes = std::move(bytes)};
}

std::string version_of(const oci::Reference& reference) {
    return reference.has_digest() ? reference.digest().to_string() : reference.tag();
}

/// Everything under one lease, whose end lets go of what only passed through.
Result<oci::Descriptor> copy_leased(Store::Implementation& implementation, std::string_view from,
                                    std::string_view to, const CopyOptions& options,
                                    const ProgressSink& progress, const std::stop_token& stop) {
    auto& services = implementation.services_;
    const auto target_name = TRY(oci::Reference::parse(to)).with_default_tag();
    content::Lease lease = services.content.reading_lease();
    std::unique_ptr<remote::Repository> source;
    Document document;
    std::vector<std::string> mount_from;
    if (options.from_registry) {
        const auto source_name = TRY(oci::Reference::parse(from)).with_default_tag();
        source =
            TRY(services.registries.open(source_name, remote::Access::Pull, options.credentials));
        auto fetched = TRY(source->fetch_manifest(version_of(source_name), stop)
                               .context("copy ", source_name.familiar()));
        document = {.descriptor = std::move(fetched.descriptor), .bytes = std::move(fetched.bytes)};
        if (source_name.domain() == target_name.domain()) mount_from = {source_name.path()};
    } else {
        document = TRY(find_here(implementation, from, options.platform));
    }
    Origin origin(implementation, source.get(), options.credentials);
    if (source && options.platform) {
        auto chosen =
            TRY(find_manifest(origin, std::move(document), *options.platform, lease, 1, stop));
        if (!chosen)
            return fail(ErrorCode::NotFound, "no matching manifest for ",
                        options.platform->to_string(), " in ", from);
        document = std::move(*chosen);
    }
    const auto& [descriptor, bytes] = document;
    const auto target = TRY(
        services.registries.open(target_name, remote::Access::PullAndPush, options.credentials));
    Copier copier(origin, *target, progress, lease, stop);
    copier.mount_from = std::move(mount_from);
    TRY(copier.copy_document(descriptor, bytes, version_of(target_name), 1)
            .context("copy to ", target_name.familiar()));
    progress({.status = concat(version_of(target_name), ": digest: ", descriptor.digest,
                               " size: ", descriptor.size)});
    return descriptor;
}

}  // namespace

Result<oci::Descriptor> Store::copy(std::string_view from, std::string_view to,
                                    const CopyOptions& options, const ProgressSink& progress,
                                    std::stop_token stop) {
    auto copied = copy_leased(*implementation_, from, to, options, progress, stop);
    auto collected = implementation_->collect({});
    if (copied && collected.is_error()) return std::move(collected).error();
    return copied;
}

}  // namespace berth::image
