// Getting again what was here before, from a registry that is known to have had it.
#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

Result<std::vector<oci::Reference>> Store::Implementation::repositories_of(
    const oci::Digest& blob) const {
    // A target is looked for under its names, too, where anything ever came from there or went
    // there.
    auto statement = TRY(services_.database.prepare(
        "SELECT domain, path FROM blob_source WHERE digest = ?1 UNION"
        " SELECT domain, path FROM blob_source JOIN image_name ON reference LIKE domain || '/' || "
        "path || ':%' WHERE id = ?1 LIMIT 8",
        blob.to_string()));
    std::vector<oci::Reference> out;
    while (TRY(statement.step()))
        out.push_back(
            TRY(oci::Reference::parse(concat(statement.text(0), "/", statement.text(1)))));
    return out;
}

Result<> Store::Implementation::refetch_from(const oci::Reference& name,
                                             const oci::Descriptor& blob,
                                             const remote::CredentialsProvider& credentials,
                                             const std::stop_token& stop) const {
    const auto anonymous = [](const std::string&) { return remote::Credentials(); };
    const auto repository = TRY(services_.registries.open(name, remote::Access::Pull,
                                                          credentials ? credentials : anonymous));
    const content::Expectation expected{.digest = blob.digest,
                                        .bytes = static_cast<std::uint64_t>(blob.size)};
    if (oci::media_type::is_index(blob.media_type) ||
        oci::media_type::is_manifest(blob.media_type)) {
        TRY(services_.content.put(
            TRY(repository->fetch_manifest(blob.digest.to_string(), stop)).bytes, expected));
        return {};
    }
    const auto slot = TRY(downloads_.take(stop));
    auto writer = TRY(services_.content.resume_ingest(blob.digest.to_string()));
    TRY(repository->fetch_blob(
        blob, writer.offset(),
        [&](std::span<const std::byte> piece) -> Result<> {
            TRY(writer.write(piece));
            if (writer.offset() > static_cast<std::uint64_t>(blob.size))
                return fail(ErrorCode::Corrupted, "blob ", blob.digest, " is longer than promised");
            return {};
        },
        stop));
    TRY(std::move(writer).commit(expected));
    const std::lock_guard lock(dropping_);
    return services_.content.has(blob.digest) ? note_returned(blob.digest) : Result<>();
}

Result<oci::Reference> Store::Implementation::refetch(
    const oci::Descriptor& blob, const remote::CredentialsProvider& credentials,
    const std::stop_token& stop) const {
    std::optional<Error> last;
    for (const auto& name : TRY(repositories_of(blob.digest))) {
        auto fetched = refetch_from(name, blob, credentials, stop);
        if (fetched) return name;
        last = std::move(fetched).error().with_context(name.familiar_name());
        if (last->is(ErrorCode::Unauthenticated) || last->is(ErrorCode::PermissionDenied))
            last = std::move(*last).with_hint(concat("log in first: berth login ", name.domain()));
        if (stop.stop_requested()) break;
    }
    if (last) return std::move(*last);
    return fail(ErrorCode::NotFound, "no registry is known to have it");
}

Result<content::BlobReader> Store::Implementation::open_blob(
    const oci::Descriptor& blob, const remote::CredentialsProvider& credentials,
    const std::stop_token& stop) const {
    auto here = services_.content.open_blob(blob.digest);
    if (here || !here.error().is(ErrorCode::NotFound)) return here;
    const auto turn = TRY(Turn::take(in_flight_, blob.digest, stop));
    here = services_.content.open_blob(blob.digest);
    if (here || !here.error().is(ErrorCode::NotFound)) return here;
    if (TRY(reproduce(blob, stop))) return services_.content.open_blob(blob.digest);
    if (TRY(repositories_of(blob.digest)).empty()) return here;
    auto fetched = refetch(blob, credentials, stop);
    if (fetched) return services_.content.open_blob(blob.digest);
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
    return std::move(fetched)
        .error()
        .with_context(concat("blob of layer ", blob.digest.short_hex(),
                             " is not kept here and was not fetched again"))
        .with_hint(
            "repeat this when that registry gives it again, or load the image from an archive; "
            "what is "
            "pulled with \"layer-blobs\": \"keep\" in daemon.json stays whole");
}

Result<> Store::Implementation::complete(const Image& image, content::Lease& lease,
                                         const remote::CredentialsProvider& credentials,
                                         const std::stop_token& stop) const {
    for (const auto& layer : image.layers) {
        const auto& blob = layer.blob;
        if (lease.protect(blob.digest) || TRY(is_dropped(blob.digest))) continue;
        TRY(open_blob(blob, credentials, stop));
    }
    return ensure_layers(image, stop);
}

}  // namespace berth::image
