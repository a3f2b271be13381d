#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "compose/interpolate.h"

// Text without a dollar sign stays as it is; all other text ends in a value or a refusal.

using namespace berth::compose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Environment environment = {{"A", "1"}, {"B", "$A"}, {"EMPTY", ""}};
    Warnings warnings;
    const auto value = interpolate(text, environment, warnings);
    if (text.find('$') == std::string_view::npos && (!value || *value != text)) std::abort();
    return 0;
}
