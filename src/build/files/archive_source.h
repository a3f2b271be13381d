#pragma once
#include <memory>

#include "base/result.h"
#include "codec/stream.h"
#include "sys/fd.h"

namespace berth::build {

/// The plain bytes of a file that may be compressed with gzip, zstd, xz or bzip2: what ADD extracts. Reading fails with
/// Corrupted when the compressed data is damaged. `file` is read from its position on and must outlive the result.
Result<std::unique_ptr<codec::ByteSource>> open_archive_file(sys::BorrowedFd file);

}  // namespace berth::build
