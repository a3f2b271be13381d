#include "codec/go_template.h"
#include "codec/json.h"

// A template either is refused with a place, or runs to an end within the output limit; running it
// twice gives the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    static const codec::Json sample = *codec::parse_json(
        R"({"Name":"web","Size":42,"Ratio":0.5,"On":true,"None":null,"Names":["a","b"],"Labels":{"a":"b"},"Sub":{"X":[1]}})");
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto parsed = codec::GoTemplate::parse(text);
    if (!parsed) {
        BERTH_ASSERT(parsed.error().message().starts_with("template:"));
        return 0;
    }
    auto first = parsed->execute(sample);
    auto second = parsed->execute(sample);
    BERTH_ASSERT(static_cast<bool>(first) == static_cast<bool>(second));
    if (first) BERTH_ASSERT(*first == *second && first->size() <= (64U << 20));
    return 0;
}
