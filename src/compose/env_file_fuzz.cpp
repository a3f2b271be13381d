#include "base/assert.h"
#include "compose/env_file.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto result = berth::compose::parse_env_file(text, "fuzz", {});
    if (result) {
        for (const auto& assignment : *result) BERTH_ASSERT(!assignment.name.empty());
    }
    return 0;
}
