#include <cstdint>
#include "oci/reference.h"

#include "base/assert.h"

// A name that is accepted keeps its meaning when it is written and read again, complete or
// familiar.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using berth::oci::Reference;
    const auto reference = Reference::parse({reinterpret_cast<const char*>(data), size});
    if (!reference) return 0;
    const auto complete = Reference::parse(reference->to_string());
    const auto familiar = Reference::parse(reference->familiar());
    BERTH_ASSERT(complete && *complete == *reference);
    BERTH_ASSERT(familiar && *familiar == *reference);
    BERTH_ASSERT(reference->name().size() <= 255);
    return 0;
}
