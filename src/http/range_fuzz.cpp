#include <cstddef>

#include "base/assert.h"
#include "http/range.h"

// A range that is served never leaves the representation.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::uint64_t total = data[0];
    berth::http::ByteRange range;
    const auto outcome =
        berth::http::parse_range({reinterpret_cast<const char*>(data) + 1, size - 1}, total, range);
    if (outcome == berth::http::RangeOutcome::Unsatisfiable) return 0;
    BERTH_ASSERT(range.offset <= total && range.length <= total - range.offset);
    if (outcome == berth::http::RangeOutcome::Partial) BERTH_ASSERT(range.length > 0);
    return 0;
}
