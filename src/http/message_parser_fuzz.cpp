#include <array>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "http/message_parser_internal.h"

// However the bytes are cut, the parser takes no more than it was given, puts out no more than
// fits, and comes to an end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using berth::http::MessageParser;
    if (size < 1) return 0;
    MessageParser parser(
        data[0] % 2 == 0 ? MessageParser::Kind::Request : MessageParser::Kind::Response, 16 << 10);
    auto rest = std::as_bytes(std::span(data + 1, size - 1));
    const auto taken = parser.parse_head(rest);
    if (!taken || !parser.has_head()) return 0;
    BERTH_ASSERT(*taken <= rest.size());
    rest = rest.subspan(*taken);
    parser.head();
    std::array<std::byte, 37> out;
    while (!rest.empty() && !parser.is_done()) {
        const auto step = parser.parse_body(rest, out);
        if (!step || (step->consumed == 0 && step->produced == 0)) break;
        BERTH_ASSERT(step->consumed <= rest.size() && step->produced <= out.size());
        rest = rest.subspan(step->consumed);
    }
    return 0;
}
