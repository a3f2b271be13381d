#include "snapshot/capture.h"

namespace berth::snapshot {

Result<CapturedLayer> capture_layer(Driver& driver, content::Store& store, sys::BorrowedFd upper,
                                    codec::Compression compression, std::stop_token stop) {
    CapturedLayer captured;
    captured.compression = compression;
    content::BlobWriter writer = TRY(store.create_ingest());
    const auto compressor = codec::make_compressor(compression, writer);
    captured.layer = TRY(driver.capture(upper, *compressor, std::move(stop)));
    TRY(compressor->finish());
    captured.blob = TRY(std::move(writer).commit());
    return captured;
}

}  // namespace berth::snapshot
