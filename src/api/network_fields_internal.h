#pragma once
#include "api/network.h"

// The member list of EndpointSettings, which container and network bodies share. See
// fields_internal.h.
namespace berth::api {

template <typename Visitor>
void describe(Visitor& field, EndpointSettings::IpamConfig& value) {
    field.omit_empty("IPv4Address", value.ipv4_address);
    field.omit_empty("IPv6Address", value.ipv6_address);
    field.omit_empty("LinkLocalIPs", value.link_local_ips);
}

template <typename Visitor>
void describe(Visitor& field, EndpointSettings& value) {
    field("IPAMConfig", value.ipam_config);
    field.nullable("Links", value.links);
    field.nullable("Aliases", value.aliases);
    field("MacAddress", value.mac_address);
    field.nullable("DriverOpts", value.driver_opts);
    field("GwPriority", value.gw_priority);
    field("NetworkID", value.network_id);
    field("EndpointID", value.endpoint_id);
    field("Gateway", value.gateway);
    field("IPAddress", value.ip_address);
    field("IPPrefixLen", value.ip_prefix_len);
    field("IPv6Gateway", value.ipv6_gateway);
    field("GlobalIPv6Address", value.global_ipv6_address);
    field("GlobalIPv6PrefixLen", value.global_ipv6_prefix_len);
    field.nullable("DNSNames", value.dns_names);
}

}  // namespace berth::api
