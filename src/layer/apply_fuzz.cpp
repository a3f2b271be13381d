#include <cstdlib>

#include "layer/apply.h"
#include "sys/file.h"

// Whatever archive comes, writing its image ends, fails cleanly or gives an image whose header says what was read.

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    codec::MemorySource source(std::as_bytes(std::span(data, size)));
    codec::LimitedSource limited(source, 1 << 20);
    const auto file = sys::memfd("fuzz");
    if (file.is_error()) std::abort();
    const auto applied = layer::write_erofs_image(limited, *file, {});
    const auto facts = layer::read_image_facts(*file);
    if (applied.is_error()) {
        if (!facts.is_error()) std::abort();  // a failed image must not look complete
        return 0;
    }
    if (facts.is_error() || facts->diff_id_hex != applied->diff_id.hex() || facts->entries != applied->entries) {
        std::abort();
    }
    return 0;
}
