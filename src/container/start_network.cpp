#include <algorithm>
#include <array>
#include <functional>

#include "container/host_files.h"
#include "container/implementation_internal.h"
#include "network/manager.h"
#include "sys/file.h"

// The container's place on its networks, and the files and names that follow from it.
namespace berth::container {
namespace {

Result<std::optional<network::IpAddress>> parse_address(const std::string& text) {
    if (text.empty()) return std::optional<network::IpAddress>();
    return std::optional<network::IpAddress>(TRY(network::IpAddress::parse(text)));
}

// "container:alias" or "container".
std::pair<std::string, std::string> parse_link(const std::string& text) {
    const auto parts = split_once(text, ':');
    if (!parts) return {text, text};
    return {std::string(parts->first), std::string(parts->second)};
}

Result<std::vector<network::PortRequest>> port_requests(const ContainerSpec& spec) {
    std::vector<network::PortRequest> out;
    for (const auto& [port, bindings] : spec.host.port_bindings) {
        std::vector<PortBinding> wanted = bindings;
        if (wanted.empty()) wanted.emplace_back();
        for (const PortBinding& binding : wanted) {
            std::string host_port = binding.host_port != 0 ? std::to_string(binding.host_port) : "";
            if (binding.host_port_end > binding.host_port)
                host_port += "-" + std::to_string(binding.host_port_end);
            out.push_back(TRY(
                network::PortRequest::parse(port.to_string(), binding.host_address, host_port)));
        }
    }
    if (spec.host.publish_all_ports) {
        for (const Port& port : spec.exposed_ports) {
            if (!spec.host.port_bindings.contains(port))
                out.push_back(TRY(network::PortRequest::parse(port.to_string(), "", "")));
        }
    }
    return out;
}

// The network of the mode first: it gets eth0 and the default route.
std::vector<std::string> networks_in_order(const ContainerSpec& spec) {
    std::vector<std::string> out;
    for (const auto& [name, endpoint] : spec.networks) {
        if (name == spec.host.network_mode)
            out.insert(out.begin(), name);
        else
            out.push_back(name);
    }
    // The first one connected provides the default route.
    std::ranges::stable_sort(out, std::greater(), [&](const std::string& name) {
        return spec.networks.at(name).gw_priority;
    });
    return out;
}

}  // namespace

Result<network::EndpointRequest> Containers::Implementation::endpoint_request(
    Container& container, const ContainerSpec& spec, const std::string& network,
    bool publishes) const {
    network::EndpointRequest request{.network = network,
                                     .container_id = container.id,
                                     .container_name = container.name(),
                                     .hostname = spec.hostname};
    const auto found = spec.networks.find(network);
    const EndpointSpec endpoint = found != spec.networks.end() ? found->second : EndpointSpec{};
    request.aliases = endpoint.aliases;
    request.mac = endpoint.mac_address;
    request.address = TRY(parse_address(endpoint.ipv4_address));
    request.address_v6 = TRY(parse_address(endpoint.ipv6_address));
    for (const std::string& text : endpoint.link_local_ips) {
        if (const auto address = TRY(parse_address(text))) request.link_local.push_back(*address);
    }
    std::vector<std::string> links = endpoint.links;
    if (network == spec.host.network_mode)
        links.insert(links.end(), spec.host.links.begin(), spec.host.links.end());
    for (const std::string& text : links) {
        const auto [name, alias] = parse_link(text);
        const ContainerPtr other = TRY(find(name).context("could not get container for ", name));
        // Clients send them with the host configuration and with the endpoint.
        std::pair<std::string, std::string> link{other->id, alias};
        if (std::ranges::find(request.links, link) == request.links.end())
            request.links.push_back(std::move(link));
    }
    if (publishes) request.ports = TRY(port_requests(spec));
    return request;
}

Result<std::vector<network::Endpoint>> Containers::Implementation::connect_networks(
    Container& container, const ContainerSpec& spec, sys::BorrowedFd netns,
    sys::BorrowedFd netlink) {
    std::vector<network::Endpoint> endpoints;
    bool published = false;
    for (const std::string& name : networks_in_order(spec)) {
        const network::Network network = TRY(services_.networks.find(name));
        if (!network.is_bridge()) continue;
        const bool publishes = !published && !network.spec.internal;
        const network::EndpointRequest request =
            TRY(endpoint_request(container, spec, name, publishes));
        published |= publishes;
        endpoints.push_back(TRY(services_.networks.connect(request, netns, netlink)));
    }
    return endpoints;
}

Result<> Containers::Implementation::write_host_files(
    Container& container, const ContainerSpec& spec,
    const std::vector<network::Endpoint>& endpoints) {
    if (spec.host.network_mode.starts_with("container:"))
        return {};  // that container's files are mounted
    std::vector<HostsEntry> entries;
    for (const network::Endpoint& endpoint : endpoints) {
        HostsEntry entry{.address = endpoint.address.address.to_string(), .names = {}};
        if (!spec.domainname.empty())
            entry.names.push_back(concat(spec.hostname, ".", spec.domainname));
        entry.names.push_back(spec.hostname);
        if (endpoint.address_v6)
            entries.push_back({endpoint.address_v6->address.to_string(), entry.names});
        entries.insert(entries.end() - (endpoint.address_v6 ? 1 : 0), std::move(entry));
        for (const auto& [other, alias] : endpoint.links) {
            const auto theirs = services_.networks.endpoints_of(other);
            const auto there =
                std::ranges::find(theirs, endpoint.network_id, &network::Endpoint::network_id);
            if (there != theirs.end())
                entries.push_back(
                    {there->address.address.to_string(), {alias, there->container_name}});
        }
    }
    std::string extra;
    for (const std::string& text : spec.host.extra_hosts) {
        auto [name, address] = TRY(parse_extra_host(text));
        if (address == "host-gateway") address = services_.networks.host_gateway().to_string();
        entries.push_back({address, {name}});
        extra += concat(address, "\t", name, "\n");
    }
    std::string hosts = make_hosts(entries);
    if (spec.host.network_mode == "host")
        hosts = sys::read_file("/etc/hosts", 1 << 20).value_or("") + extra;

    ResolverConfig config = host_resolver_config();
    if (!spec.host.dns.empty())
        config.servers = spec.host.dns;
    else if (!settings_.dns.empty())
        config.servers = settings_.dns;
    if (!spec.host.dns_search.empty())
        config.search = spec.host.dns_search;
    else if (!settings_.dns_search.empty())
        config.search = settings_.dns_search;
    if (!spec.host.dns_options.empty())
        config.options = spec.host.dns_options;
    else if (!settings_.dns_options.empty())
        config.options = settings_.dns_options;
    const bool is_bridged = has_own_network(spec) && spec.host.network_mode != "none";
    if (is_bridged) {
        const bool has_names = std::ranges::any_of(
            endpoints, [](const network::Endpoint& e) { return e.network_name != "bridge"; });
        const ResolverConfig reachable = without_loopback(config);
        // Our resolver asks the host's servers from the host's side, so it reaches those that
        // listen on loopback only.
        if (has_names || reachable.servers.empty())
            config.servers = {"127.0.0.11"};
        else
            config.servers = reachable.servers;
        if (has_names && config.options.empty()) config.options = {"ndots:0"};
    }
    TRY(write_plain_file(container.host_file("hosts"), hosts));
    TRY(write_plain_file(container.host_file("hostname"), spec.hostname + "\n"));
    return write_plain_file(container.host_file("resolv.conf"), make_resolv_conf(config));
}

std::optional<shim::Names> Containers::Implementation::names_for(Container& container) const {
    const auto spec = container.spec();
    if (!has_own_network(*spec)) return std::nullopt;
    const network::NameTable table = services_.networks.names_for(container.id);
    shim::Names names;
    const auto add = [&](const std::vector<network::Name>& from, bool primary) {
        for (const network::Name& name : from) {
            if (!names.records.empty() && names.records.back().name == name.name &&
                names.records.back().primary == primary) {
                names.records.back().addresses.push_back(name.address.bytes());
            } else {
                names.records.push_back(
                    {.name = name.name, .addresses = {name.address.bytes()}, .primary = primary});
            }
        }
    };
    add(table.forward, false);
    add(table.reverse, true);
    if (table.forward_upstream) {
        names.servers = !spec->host.dns.empty()  ? spec->host.dns
                        : !settings_.dns.empty() ? settings_.dns
                                                 : host_resolver_config().servers;
    }
    return names;
}

void Containers::Implementation::push_names(Container& container) {
    const auto client = container.shim();
    const auto names = names_for(container);
    if (client && names) client->ask(*names).ignore("a shim that is gone needs no names");
}

}  // namespace berth::container
