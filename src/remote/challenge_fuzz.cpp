#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "remote/challenge.h"

// Any header gives challenges with a scheme, and no more of them than the header has bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto challenges =
        berth::remote::parse_challenges({reinterpret_cast<const char*>(data), size});
    BERTH_ASSERT(challenges.size() <= size);
    for (const auto& challenge : challenges) BERTH_ASSERT(!challenge.scheme.empty());
    return 0;
}
