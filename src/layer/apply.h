#pragma once
#include <cstdint>
#include <stop_token>
#include <string>

#include "codec/stream.h"
#include "codec/tar.h"
#include "layer/tar_frame.h"
#include "oci/digest.h"
#include "sys/fd.h"
#include "sys/room.h"

namespace berth::layer {

/// What came of a layer's archive.
struct Applied {
    oci::Digest diff_id;  ///< of the uncompressed archive
    std::uint64_t tar_bytes = 0;
    std::uint64_t entries = 0;
};

/// More entries than any layer has; what is kept of each in memory is some 200 bytes.
inline constexpr std::uint64_t max_layer_entries = 4 << 20;

/// Turns a layer's archive (plain, gzip or zstd) into an EROFS image in one pass over two threads:
/// one decompresses, the other hashes, parses and writes. `file` is empty; the caller syncs it.
/// Whiteouts become overlayfs's.
///
/// The archive is not trusted. Refused with InvalidArgument, naming the entry: paths and hard links
/// that lead out of the root, paths through files, hard links to what the archive does not hold or
/// to directories, whiteouts of nothing. Paths through symbolic links are followed inside the
/// archive's own tree; a later entry replaces an earlier one of its name; missing parents are made.
/// overlayfs's private attributes are dropped.
///
/// `room`, if any, is asked before what is written. With `frame`, the archive
/// can be had again (tar_frame.h).
Result<Applied> write_erofs_image(codec::ByteSource& archive, sys::BorrowedFd file,
                                  std::stop_token stop, sys::Room* room = nullptr,
                                  TarFrameWriter* frame = nullptr);

/// Makes an EROFS image of an overlay's upper directory and writes its canonical tar to `tar` (on
/// another thread) on the way.
Result<Applied> capture_erofs_image(sys::BorrowedFd upper, codec::ByteSink& tar,
                                    sys::BorrowedFd file, std::stop_token stop,
                                    sys::Room* room = nullptr);

/// What the header of an image written by write_erofs_image() says. Corrupted when it is none or
/// cut.
struct ImageFacts {
    std::string diff_id_hex;
    std::uint64_t tar_bytes = 0;
    std::uint64_t entries = 0;
};
Result<ImageFacts> read_image_facts(sys::BorrowedFd file);
/// Reads the image through: Corrupted when a byte is not as it was written. False when it is too
/// old to tell.
Result<bool> verify_image(sys::BorrowedFd file, std::stop_token stop);

}  // namespace berth::layer
