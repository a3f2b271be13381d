#pragma once
#include "codec/compression.h"
#include "content/store.h"
#include "snapshot/driver.h"

namespace berth::snapshot {

/// A layer made here, with the compressed blob that a manifest names.
struct CapturedLayer {
    LayerInfo layer;
    content::BlobInfo blob;
    codec::Compression compression = codec::Compression::Gzip;
};

/// Makes layer and blob of an upper directory in one pass. Hold a lease of `store` until the blob
/// has a root.
Result<CapturedLayer> capture_layer(Driver& driver, content::Store& store, sys::BorrowedFd upper,
                                    codec::Compression compression, std::stop_token stop);

}  // namespace berth::snapshot
