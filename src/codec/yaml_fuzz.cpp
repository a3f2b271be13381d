#include "base/assert.h"
#include "codec/yaml.h"

// What was read can be written and reads back as the same value.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace berth::codec;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto first = parse_yaml(text, "fuzz");
    if (!first) return 0;
    const auto second = parse_yaml(dump_yaml(*first), "again");
    BERTH_ASSERT(static_cast<bool>(second));
    return 0;
}
