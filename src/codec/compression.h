#pragma once
#include <optional>
#include <string_view>

#include "codec/stream.h"

namespace berth::codec {

/// How a layer or a build context is compressed.
enum class Compression { None, Gzip, Zstd };

std::string_view to_string(Compression compression);
/// By the magic bytes at the front (RFC 1952, RFC 8878, zstd skippable frames); None for anything
/// else.
Compression detect_compression(std::span<const std::byte> head);

/// The plain bytes of `inner`, however it is compressed: found by its first bytes, which need at
/// least one read. Reads gzip with several members and zstd with several frames, as both formats
/// allow. Corrupted for damaged or cut input. bzip2 and xz are refused as Unsupported. `inner` must
/// outlive the result.
Result<std::unique_ptr<ByteSource>> open_decompressor(ByteSource& inner);

/// A sink that compresses into another. Without finish() the output is cut.
class Compressor : public ByteSink {
public:
    virtual Result<> finish() = 0;
};

/// None passes the bytes through. Output depends on the input only (no time, no name). `inner` must
/// outlive it. `level` is of the format: gzip 0..3 (ISA-L), zstd 1..19; nullopt takes a fast one.
std::unique_ptr<Compressor> make_compressor(Compression compression, ByteSink& inner,
                                            std::optional<int> level = std::nullopt);

}  // namespace berth::codec
