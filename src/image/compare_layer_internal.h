#pragma once
#include <stop_token>

#include "codec/stream.h"
#include "oci/digest.h"
#include "snapshot/driver.h"

namespace berth::image {

/// Whether the regular files of a layer have content and mode of the archive it came from:
/// Corrupted names the first that has not.
Result<> compare_with_archive(snapshot::Driver& snapshots, const oci::Digest& diff_id,
                              codec::ByteSource& archive, const std::stop_token& stop);

}  // namespace berth::image
