#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "oci/runtime_spec.h"

// Whatever is accepted is written back to a text that reads as the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto spec = berth::oci::parse_runtime_spec(text);
    if (spec.is_error()) return 0;
    const std::string once = berth::oci::to_json(*spec);
    const auto again = berth::oci::parse_runtime_spec(once);
    BERTH_ASSERT(!again.is_error());
    BERTH_ASSERT(berth::oci::to_json(*again) == once);
    return 0;
}
