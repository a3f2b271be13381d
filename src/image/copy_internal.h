#pragma once
#include <set>

#include "image/implementation_internal.h"
#include "oci/media_type.h"

// What copies between registries, archives and here have in common.
namespace berth::image {

/// Where documents and blobs come from: a registry, or with none what is here.
class Origin {
public:
    Origin(Store::Implementation& store, remote::Repository* repository,
           remote::CredentialsProvider credentials)
        : store_(store), repository_(repository), credentials_(std::move(credentials)) {}

    Result<std::string> document(const oci::Descriptor& descriptor, const std::stop_token& stop);
    /// The blob in the content store, fetched when it is not there; under the caller's lease.
    Result<content::BlobReader> blob(const oci::Descriptor& descriptor, content::Lease& lease,
                                     const std::stop_token& stop);

private:
    Store::Implementation& store_;
    remote::Repository* repository_;
    remote::CredentialsProvider credentials_;
};

/// Sends documents with all they name; what the target has is not sent.
class Copier {
public:
    Copier(Origin& origin, remote::Repository& target, const ProgressSink& sink,
           content::Lease& lease, std::stop_token stop)
        : origin_(origin), target_(target), sink_(sink), lease_(lease), stop_(std::move(stop)) {}

    std::vector<std::string> mount_from;

    /// What the document names, then the document itself, under its digest or a tag.
    Result<> copy_document(const oci::Descriptor& descriptor, const std::string& bytes,
                           const std::string& name, int depth = 1);

private:
    Result<> copy_blob(const oci::Descriptor& blob);

    Origin& origin_;
    remote::Repository& target_;
    const ProgressSink& sink_;
    content::Lease& lease_;
    std::stop_token stop_;
    std::set<oci::Digest> copied_;
    /// Of the blob that is being sent; fetched only when it must be.
    std::optional<content::BlobReader> reader_;
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
                                              const std::stop_token& stop, int depth = 1);

/// The tag or digest that a registry is asked for.
std::string version_of(const oci::Reference& reference);

}  // namespace berth::image
