#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "shim/dns_message.h"

using namespace berth::shim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::byte> message(reinterpret_cast<const std::byte*>(data), size);
    const auto question = parse_dns_query(message);
    if (!question) return 0;
    if (question->end > size || question->name.size() > 255) std::abort();
    parse_reverse_name(question->name);
    const std::string response = make_dns_response(
        message, *question,
        {.addresses = {std::string(4, 'x'), std::string(16, 'y')}, .target = "a.b"}, 512);
    if (response.size() < question->end ||
        response.size() > std::max<std::size_t>(512, question->end))
        std::abort();
    return 0;
}
