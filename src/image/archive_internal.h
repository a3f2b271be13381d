#pragma once
#include <map>

#include "codec/json.h"
#include "image/implementation_internal.h"

// What is written to archives: see save.cpp about their form.
namespace berth::image {

/// What the images of an archive come to: entries for index.json and manifest.json, and the blobs
/// behind them, documents included.
struct ArchiveContents {
    codec::Json index_entries = codec::Json::array();
    codec::Json docker_entries = codec::Json::array();
    std::map<oci::Digest, oci::Descriptor> blobs;
};

/// An entry of index.json; `name` may be null.
codec::Json index_entry(const oci::Descriptor& target, const oci::Reference* name);
/// An entry of manifest.json, without tags.
codec::Json docker_entry(const Image& image);
/// Every blob must be in the content store, under the caller's lease, or be the archive of a layer
/// that gives it again. Deterministic.
Result<> write_archive(const Services& services, ArchiveContents contents, codec::ByteSink& sink,
                       const std::stop_token& stop);

}  // namespace berth::image
