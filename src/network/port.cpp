#include "network/port.h"

#include "base/text.h"

namespace berth::network {

namespace {
Result<std::uint16_t> parse_port(std::string_view text) {
    auto number = parse_uint(text);
    if (!number || *number > 65535) return fail(ErrorCode::InvalidArgument, "invalid port: ", text);
    return static_cast<std::uint16_t>(*number);
}
}  // namespace

std::string_view to_string(Protocol protocol) {
    switch (protocol) {
        case Protocol::Tcp: return "tcp";
        case Protocol::Udp: return "udp";
        case Protocol::Sctp: return "sctp";
    }
    return "tcp";
}

Result<Protocol> parse_protocol(std::string_view text) {
    std::string lower = to_lower(text);
    if (lower == "tcp") return Protocol::Tcp;
    if (lower == "udp") return Protocol::Udp;
    if (lower == "sctp") return Protocol::Sctp;
    return fail(ErrorCode::InvalidArgument, "invalid proto: ", text);
}

Result<ContainerPort> ContainerPort::parse(std::string_view text) {
    ContainerPort out;
    auto parts = split_once(text, '/');
    if (parts) out.protocol = TRY(parse_protocol(parts->second));
    out.number = TRY(parse_port(parts ? parts->first : text));
    if (out.number == 0) return fail(ErrorCode::InvalidArgument, "invalid port: ", text);
    return out;
}

std::string ContainerPort::to_string() const {
    return concat(number, '/', network::to_string(protocol));
}

Result<PortRequest> PortRequest::parse(std::string_view container_port, std::string_view host_ip,
                                       std::string_view host_port) {
    PortRequest out;
    out.container = TRY(ContainerPort::parse(container_port));
    out.is_everywhere = host_ip.empty();
    if (!host_ip.empty()) {
        if (host_ip.size() > 2 && host_ip.front() == '[' && host_ip.back() == ']') {
            host_ip = host_ip.substr(1, host_ip.size() - 2);
        }
        out.host_address = TRY(IpAddress::parse(host_ip));
    }
    if (host_port.empty()) return out;
    auto range = split_once(host_port, '-');
    out.host_first = TRY(parse_port(range ? range->first : host_port));
    out.host_last = range ? TRY(parse_port(range->second)) : out.host_first;
    if (out.host_last < out.host_first)
        return fail(ErrorCode::InvalidArgument, "invalid port range: ", host_port);
    return out;
}

std::string PublishedPort::host_text() const {
    if (host_address.is_v4()) return concat(host_address.to_string(), ':', host_port);
    return concat('[', host_address.to_string(), "]:", host_port);
}

}  // namespace berth::network
