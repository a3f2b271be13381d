// From one registry to another, or from here to one, as it is: nothing is unpacked, and what the
// target has is not sent.
#include <algorithm>

#include "image/copy_internal.h"

namespace berth::image {

namespace {

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
            TRY(find_manifest(origin, std::move(document), *options.platform, lease, stop));
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
    TRY(copier.copy_document(descriptor, bytes, version_of(target_name))
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
