#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "oci/image_config.h"

// What was accepted is written so that it is read back as the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto config = berth::oci::parse_image_config({reinterpret_cast<const char*>(data), size});
    if (!config) return 0;
    const std::string json = config->to_json();
    const auto again = berth::oci::parse_image_config(json);
    BERTH_ASSERT(static_cast<bool>(again));
    BERTH_ASSERT(again->to_json() == json);
    return 0;
}
