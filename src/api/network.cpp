#include "api/network.h"

#include "api/fields_internal.h"
#include "api/json_values.h"
#include "api/network_fields_internal.h"

namespace berth::api {

template <typename Visitor>
void describe(Visitor& field, IpamPool& value) {
    field.omit_empty("Subnet", value.subnet);
    field.omit_empty("IPRange", value.ip_range);
    field.omit_empty("Gateway", value.gateway);
    field.omit_empty("AuxiliaryAddresses", value.auxiliary_addresses);
}

template <typename Visitor>
void describe(Visitor& field, Ipam& value) {
    field("Driver", value.driver);
    field.nullable("Options", value.options);
    field("Config", value.config);
}

template <typename Visitor>
void describe(Visitor& field, NetworkCreateRequest& value) {
    field("Name", value.name);
    field("Driver", value.driver);
    field.omit_empty("Scope", value.scope);
    field.omit_empty("EnableIPv4", value.enable_ipv4);
    field.omit_empty("EnableIPv6", value.enable_ipv6);
    field("IPAM", value.ipam);
    field("Internal", value.internal);
    field("Attachable", value.attachable);
    field("Ingress", value.ingress);
    field("ConfigOnly", value.config_only);
    field("Options", value.options);
    field("Labels", value.labels);
}

template <typename Visitor>
void describe(Visitor& field, NetworkConnectRequest& value) {
    field("Container", value.container);
    field("EndpointConfig", value.endpoint_config);
}

template <typename Visitor>
void describe(Visitor& field, NetworkDisconnectRequest& value) {
    field("Container", value.container);
    field("Force", value.force);
}

template <typename Visitor>
void describe(Visitor& field, VolumeCreateRequest& value) {
    field("Name", value.name);
    field("Driver", value.driver);
    field("DriverOpts", value.driver_opts);
    field("Labels", value.labels);
}

std::string NetworkCreateRequest::to_json() const { return detail::write(*this); }
Result<NetworkCreateRequest> NetworkCreateRequest::parse(std::string_view json) {
    return detail::read<NetworkCreateRequest>(json);
}
std::string NetworkConnectRequest::to_json() const { return detail::write(*this); }
Result<NetworkConnectRequest> NetworkConnectRequest::parse(std::string_view json) {
    return detail::read<NetworkConnectRequest>(json);
}
std::string NetworkDisconnectRequest::to_json() const { return detail::write(*this); }
Result<NetworkDisconnectRequest> NetworkDisconnectRequest::parse(std::string_view json) {
    return detail::read<NetworkDisconnectRequest>(json);
}
std::string VolumeCreateRequest::to_json() const { return detail::write(*this); }
Result<VolumeCreateRequest> VolumeCreateRequest::parse(std::string_view json) {
    return detail::read<VolumeCreateRequest>(json);
}
codec::Json json_of(const EndpointSettings& endpoint) { return detail::encode(endpoint); }
std::string to_json(const EndpointSettings& endpoint) { return detail::write(endpoint); }

}  // namespace berth::api
