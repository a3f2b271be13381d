#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "network/ipam.h"
#include "network/port.h"

using namespace berth::network;

namespace {
void require(bool condition) {
    if (!condition) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    if (auto address = IpAddress::parse(input); !address.is_error()) {
        require(IpAddress::parse(address->to_string()).value() == *address);
    }
    if (auto prefix = Prefix::parse(input); !prefix.is_error()) {
        require(Prefix::parse(prefix->to_string()).value() == *prefix);
        require(prefix->contains(prefix->first()) && prefix->contains(prefix->last()));
        require(prefix->overlaps(*prefix));
    }
    if (auto port = ContainerPort::parse(input); !port.is_error()) {
        require(ContainerPort::parse(port->to_string()).value() == *port);
    }
    if (auto request = PortRequest::parse("80/tcp", "", input); !request.is_error()) {
        require(request->host_first <= request->host_last);
    }
    if (auto mac = parse_mac(input); !mac.is_error()) require(mac->size() == 6);
    return 0;
}
