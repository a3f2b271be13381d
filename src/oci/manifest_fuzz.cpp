#include <cstdint>
#include "oci/manifest.h"

#include "base/assert.h"

// A document that is accepted stays accepted, with the same children, when it is written anew.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth::oci;
    const auto document = parse_manifest_or_index({reinterpret_cast<const char*>(data), size}, {});
    if (!document) return 0;
    const auto text = std::visit([](const auto& value) { return value.to_json(); }, *document);
    const auto again = parse_manifest_or_index(text, {});
    BERTH_ASSERT(again);
    BERTH_ASSERT(children(*again).size() == children(*document).size());
    return 0;
}
