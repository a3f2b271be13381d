#include <cstdlib>

#include "api/auth.h"

// A header that was accepted means the same after writing it.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace berth::api;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto config = AuthConfig::from_header(text)) {
        const auto again = AuthConfig::from_header(config->to_header());
        if (!again || again->to_header() != config->to_header()) std::abort();
    }
    if (const auto configs = auth_configs_from_header(text)) {
        const auto again = auth_configs_from_header(to_header(*configs));
        if (!again || to_header(*again) != to_header(*configs)) std::abort();
    }
    return 0;
}
