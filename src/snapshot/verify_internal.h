#pragma once
#include <optional>
#include <stop_token>

#include "codec/stream.h"
#include "oci/digest.h"

namespace berth::snapshot {

/// Corrupted when an expected diff id is not the actual one.
Result<> check_diff_id(const oci::Digest& actual, const std::optional<oci::Digest>& expected);
/// Reads a layer's archive through, only to check its diff id.
Result<> verify_archive(codec::ByteSource& archive, const oci::Digest& expected,
                        std::stop_token stop);

}  // namespace berth::snapshot
