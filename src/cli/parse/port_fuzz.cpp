#include "cli/parse/port.h"

// What is accepted names real ports, and as many of them as its range says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    auto parsed = cli::parse_published({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    BERTH_ASSERT(!parsed->empty() && parsed->size() <= 65535);
    for (const auto& port : *parsed) {
        const auto number =
            parse_uint(port.container_port.substr(0, port.container_port.find('/')));
        BERTH_ASSERT(number && *number >= 1 && *number <= 65535);
        BERTH_ASSERT(port.host_port.find_first_not_of("0123456789-") == std::string::npos);
    }
    return 0;
}
