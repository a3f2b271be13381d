#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

// The text of the three files that an engine puts over the image's own: /etc/hosts, /etc/hostname,
// /etc/resolv.conf.
namespace berth::container {

struct HostsEntry {
    std::string address;
    std::vector<std::string> names;
};
/// Loopback and multicast lines, then `entries` in their order.
std::string make_hosts(const std::vector<HostsEntry>& entries);

struct ResolverConfig {
    std::vector<std::string> servers, search, options;
};
/// Reads resolv.conf(5): what is not understood is left out.
ResolverConfig parse_resolv_conf(std::string_view text);
std::string make_resolv_conf(const ResolverConfig& config);
/// Without servers that are reachable from the host only (loopback addresses).
ResolverConfig without_loopback(ResolverConfig config);
/// The host's configuration; with systemd-resolved's stub, the file that names the real servers.
ResolverConfig host_resolver_config();

/// "name:address" or "name=address", address maybe in brackets, or "host-gateway". InvalidArgument
/// otherwise.
Result<std::pair<std::string, std::string>> parse_extra_host(std::string_view text);

}  // namespace berth::container
