#include "cli/parse/network.h"

#include "cli/parse/mount.h"

namespace berth::cli {

Result<NetworkFlag> parse_network(std::string_view text) {
    NetworkFlag network;
    if (text.find('=') == std::string_view::npos) {
        network.name = text;
        return network;
    }
    auto& endpoint = network.endpoint;
    auto ipam = [&]() -> api::EndpointSettings::IpamConfig& {
        if (!endpoint.ipam_config) endpoint.ipam_config.emplace();
        return *endpoint.ipam_config;
    };
    for (const auto& field : TRY(split_csv(text).context("--network"))) {
        const auto parts = split_once(field, '=');
        if (!parts)
            return fail(ErrorCode::InvalidArgument, "--network: \"", field, "\" must be key=value");
        const auto [key, value] = *parts;
        if (key == "name")
            network.name = value;
        else if (key == "alias")
            endpoint.aliases.emplace_back(value);
        else if (key == "ip")
            ipam().ipv4_address = value;
        else if (key == "ip6")
            ipam().ipv6_address = value;
        else if (key == "link-local-ip")
            ipam().link_local_ips.emplace_back(value);
        else if (key == "mac-address")
            endpoint.mac_address = value;
        else if (key == "gw-priority")
            endpoint.gw_priority = static_cast<int>(parse_int(value).value_or(0));
        else if (key == "driver-opt") {
            const auto option = split_once(value, '=');
            if (!option)
                return fail(ErrorCode::InvalidArgument, "--network: driver-opt must be key=value");
            endpoint.driver_opts[std::string(option->first)] = option->second;
        } else {
            return fail(ErrorCode::InvalidArgument, "--network: unknown key \"", key, "\"");
        }
    }
    if (network.name.empty())
        return fail(ErrorCode::InvalidArgument, "--network: the name is missing");
    return network;
}

}  // namespace berth::cli
