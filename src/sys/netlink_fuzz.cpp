#include <cstdint>
#include <cstdlib>

#include "sys/conntrack.h"
#include "sys/netlink_route.h"
#include "sys/nftables.h"

// The kernel is trusted, but a socket that a container's shim hands over is not: whoever holds its
// other references may have queued anything.

using namespace berth::sys;

namespace {
void require(bool condition) {
    if (!condition) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    std::size_t payload_bytes = 0;
    for (const auto& message : parse_netlink_messages(input)) {
        payload_bytes += message.payload.size();
        // Views lie within the input.
        require(message.payload.empty() ||
                (message.payload.data() >= input.data() &&
                 message.payload.data() + message.payload.size() <= input.data() + size));
        (void)parse_link(message);
        (void)parse_route(message);
        (void)parse_address(message);
        (void)parse_tracked_flow(message);
        (void)is_nft_deletion(message, "berth");
    }
    require(payload_bytes <= size);
    std::size_t attribute_bytes = 0;
    for (const auto& attribute : parse_netlink_attributes(input)) {
        attribute_bytes += 4 + attribute.bytes.size();
        require(attribute.as_text().size() <= attribute.bytes.size());
    }
    require(attribute_bytes <= size);
    return 0;
}
