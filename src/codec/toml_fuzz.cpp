#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "codec/toml.h"

// Whatever the bytes are, the answer is an error or an object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto document = berth::codec::parse_toml({reinterpret_cast<const char*>(data), size});
    if (document) BERTH_ASSERT(document->is_object());
    return 0;
}
