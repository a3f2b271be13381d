#pragma once
#include <memory>

#include "codec/stream.h"

namespace berth::layer {

/// As codec::open_decompressor(), and xz and bzip2 too: what `ADD`, `import`, `load` and build
/// contexts may be packed with. Layers are never: image-spec knows gzip and zstd only. `inner` must
/// outlive the result.
Result<std::unique_ptr<codec::ByteSource>> open_any_decompressor(codec::ByteSource& inner);

}  // namespace berth::layer
