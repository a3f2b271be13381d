#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The bodies of the network and volume endpoints that clients send.
namespace berth::api {

using StringMap = std::map<std::string, std::string>;

/// A container on one network: the wishes (first half), and in `inspect` what came of them.
struct EndpointSettings {
    struct IpamConfig {
        std::string ipv4_address, ipv6_address;
        std::vector<std::string> link_local_ips;
    };
    std::optional<IpamConfig> ipam_config;
    std::vector<std::string> links, aliases;
    std::string mac_address;
    StringMap driver_opts;
    int gw_priority = 0;
    std::string network_id, endpoint_id, gateway, ip_address;
    int ip_prefix_len = 0;
    std::string ipv6_gateway, global_ipv6_address;
    int global_ipv6_prefix_len = 0;
    std::vector<std::string> dns_names;
};

struct IpamPool {
    std::string subnet, ip_range, gateway;
    StringMap auxiliary_addresses;
};

struct Ipam {
    std::string driver;
    StringMap options;
    std::vector<IpamPool> config;
};

struct NetworkCreateRequest {
    std::string name;
    std::string driver, scope;
    std::optional<bool> enable_ipv4, enable_ipv6;
    std::optional<Ipam> ipam;
    bool internal = false, attachable = false, ingress = false, config_only = false;
    StringMap options, labels;
    std::string to_json() const;
    static Result<NetworkCreateRequest> parse(std::string_view json);
};

struct NetworkConnectRequest {
    std::string container;
    std::optional<EndpointSettings> endpoint_config;
    std::string to_json() const;
    static Result<NetworkConnectRequest> parse(std::string_view json);
};

struct NetworkDisconnectRequest {
    std::string container;
    bool force = false;
    std::string to_json() const;
    static Result<NetworkDisconnectRequest> parse(std::string_view json);
};

struct VolumeCreateRequest {
    std::string name, driver;
    StringMap driver_opts, labels;
    std::string to_json() const;
    static Result<VolumeCreateRequest> parse(std::string_view json);
};

std::string to_json(const EndpointSettings& endpoint);

}  // namespace berth::api
