#include <vector>

#include "codec/compression.h"
#include "layer/pipeline.h"
#include "snapshot/verify_internal.h"

namespace berth::snapshot {

Result<> check_diff_id(const oci::Digest& actual, const std::optional<oci::Digest>& expected) {
    if (!expected || *expected == actual) return {};
    return fail(ErrorCode::Corrupted, "the layer's uncompressed digest is ", actual, " instead of ",
                *expected);
}

Result<> verify_archive(codec::ByteSource& archive, const oci::Digest& expected,
                        std::stop_token stop) {
    const auto plain = TRY(codec::open_decompressor(archive));
    layer::HashingSource source(*plain, std::move(stop));
    std::vector<std::byte> buffer(256 << 10);
    while (TRY(source.read(buffer)) > 0) {
    }
    return check_diff_id(oci::Digest::from_sha256_hex(source.finish_hex()), expected);
}

}  // namespace berth::snapshot
