#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "network/address.h"

namespace berth::network {

enum class Protocol : std::uint8_t { Tcp = 6, Udp = 17, Sctp = 132 };

/// "tcp", "udp", "sctp".
std::string_view to_string(Protocol protocol);
Result<Protocol> parse_protocol(std::string_view text);

/// A container's port as the API writes it: "80/tcp", or "80" meaning tcp.
struct ContainerPort {
    std::uint16_t number = 0;
    Protocol protocol = Protocol::Tcp;

    static Result<ContainerPort> parse(std::string_view text);
    std::string to_string() const;
    auto operator<=>(const ContainerPort&) const = default;
};

/// The wish to publish one port of a container on the host.
struct PortRequest {
    ContainerPort container;
    /// The wildcard publishes on every address of the host of its family.
    IpAddress host_address;
    /// No address was named: on every one of the host, of both families where the container has
    /// both.
    bool is_everywhere = false;
    /// The first free port of first..last is taken; both 0 means any free port of the ephemeral
    /// range.
    std::uint16_t host_first = 0;
    std::uint16_t host_last = 0;

    /// From the members of the API's PortBinding: "127.0.0.1" or "", and "8080", "8000-8010" or "".
    static Result<PortRequest> parse(std::string_view container_port, std::string_view host_ip,
                                     std::string_view host_port);
};

/// One port as it was published.
struct PublishedPort {
    ContainerPort container;
    IpAddress host_address;
    std::uint16_t host_port = 0;

    /// "0.0.0.0:8080", or "[::]:8080" for IPv6.
    std::string host_text() const;
    auto operator<=>(const PublishedPort&) const = default;
};

}  // namespace berth::network
