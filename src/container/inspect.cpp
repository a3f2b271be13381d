#include <algorithm>

#include "container/image_defaults.h"
#include "container/implementation_internal.h"
#include "network/manager.h"
#include "sys/file.h"
#include "volume/store.h"

namespace berth::container {
namespace {

EndpointView endpoint_view(const network::Endpoint& endpoint) {
    EndpointView out{.network_name = endpoint.network_name,
                     .network_id = endpoint.network_id,
                     .endpoint_id = endpoint.id,
                     .ipv4_address = endpoint.address.address.to_string(),
                     .gateway = endpoint.gateway.is_wildcard() ? "" : endpoint.gateway.to_string(),
                     .mac_address = endpoint.mac,
                     .ipv4_prefix = endpoint.address.length};
    if (endpoint.address_v6) {
        out.ipv6_address = endpoint.address_v6->address.to_string();
        out.ipv6_prefix = endpoint.address_v6->length;
        if (endpoint.gateway_v6) out.ipv6_gateway = endpoint.gateway_v6->to_string();
    }
    out.aliases = endpoint.aliases;
    out.dns_names = endpoint.dns_names;
    for (const auto& [container, alias] : endpoint.links)
        out.links.push_back(concat(container, ":", alias));
    return out;
}

// What was asked for, shown beside what is.
void add_wishes(EndpointView& view, const EndpointSpec& wanted) {
    view.wanted_ipv4 = wanted.ipv4_address;
    view.wanted_link_local = wanted.link_local_ips;
    view.gw_priority = wanted.gw_priority;
    view.wanted_ipv6 = wanted.ipv6_address;
    view.driver_options = wanted.driver_options;
    if (view.aliases.empty()) view.aliases = wanted.aliases;
    if (view.links.empty()) view.links = wanted.links;
    if (view.mac_address.empty()) view.mac_address = wanted.mac_address;
}

}  // namespace

ContainerView Containers::Implementation::view(Container& container) const {
    ContainerView out;
    {
        auto live = container.live.lock();
        out.name = live->name;
        out.spec = *live->spec;
        out.state = live->state;
    }
    out.id = container.id;
    out.created_at = container.created_at;
    out.image_id = container.image_id;
    out.image_manifest_digest = container.image_manifest_digest;
    out.platform = container.platform;
    std::vector<std::string> line = command_line(out.spec);
    if (!line.empty()) {
        out.path = line.front();
        out.args.assign(line.begin() + 1, line.end());
    }
    for (const network::Endpoint& endpoint : services_.networks.endpoints_of(container.id)) {
        EndpointView shown = endpoint_view(endpoint);
        if (const auto wanted = out.spec.networks.find(endpoint.network_name);
            wanted != out.spec.networks.end())
            add_wishes(shown, wanted->second);
        out.endpoints.push_back(std::move(shown));
        for (const network::PublishedPort& port : endpoint.ports) {
            out.ports.push_back({.port = Port{port.container.number, std::string(network::to_string(
                                                                         port.container.protocol))},
                                 .host_address = port.host_address.to_string(),
                                 .host_port = port.host_port});
        }
    }
    // Networks it will join, or those without an endpoint (host, none).
    const auto add_missing = [&](const std::string& name, const EndpointSpec& wanted) {
        const bool known = std::ranges::any_of(
            out.endpoints, [&](const EndpointView& view) { return view.network_name == name; });
        const auto found = services_.networks.find(name);
        if (known || !found) return;
        EndpointView shown{.network_name = name, .network_id = found->id};
        add_wishes(shown, wanted);
        out.endpoints.push_back(std::move(shown));
    };
    for (const auto& [name, wanted] : out.spec.networks) add_missing(name, wanted);
    if (out.spec.host.network_mode == "host" || out.spec.host.network_mode == "none")
        add_missing(out.spec.host.network_mode, {});
    if (is_alive(out.state.status)) {
        for (const Port& port : out.spec.exposed_ports) {
            const bool published = std::ranges::any_of(
                out.ports, [&](const PublishedPort& known) { return known.port == port; });
            if (!published) out.ports.push_back({.port = port});
        }
    }
    for (const MountRequest& mount : container.mounts) {
        MountView shown{.type = std::string(to_string(mount.type)),
                        .source = mount.source,
                        .destination = mount.target,
                        .mode = mount.read_only ? "ro" : "",
                        .propagation = mount.propagation,
                        .writable = !mount.read_only};
        if (mount.type == MountType::Bind && shown.propagation.empty())
            shown.propagation = "rprivate";
        if (mount.type == MountType::Tmpfs) shown.source.clear();
        if (mount.type == MountType::Image) shown.writable = false;
        if (mount.type == MountType::Volume) {
            shown.name = mount.source;
            shown.driver = mount.driver.empty() ? "local" : mount.driver;
            shown.mode = mount.read_only ? "ro" : "z";
            if (const auto volume = services_.volumes.find(mount.source))
                shown.source = volume->mountpoint;
        }
        out.mounts.push_back(std::move(shown));
    }
    out.log_path = log_file(container, out.spec);
    out.hosts_path = container.host_file("hosts");
    out.hostname_path = container.host_file("hostname");
    out.resolv_conf_path = container.host_file("resolv.conf");
    if (is_alive(out.state.status)) {
        out.sandbox_id = container.id;
        out.sandbox_key = out.spec.host.network_mode == "host"
                              ? "/proc/self/ns/net"
                              : concat("/proc/", out.state.pid, "/ns/net");
    }
    {
        auto execs = const_cast<Implementation*>(this)->execs_.lock();
        for (const auto& [id, record] : *execs) {
            if (record.view.container_id == container.id && record.view.running)
                out.exec_ids.push_back(id);
        }
    }
    return out;
}

namespace {
void add_sizes(ContainerView& view, const Container& container, const snapshot::Driver& snapshots) {
    view.size_rw =
        static_cast<std::int64_t>(sys::disk_usage(container.directory + "/upper").value_or(0));
    view.size_root = view.size_rw;
    for (const oci::Digest& layer : container.layers) {
        if (const auto about = snapshots.inspect(layer))
            view.size_root += static_cast<std::int64_t>(about->disk_bytes);
    }
}
}  // namespace

Result<ContainerView> Containers::inspect(std::string_view key, bool sizes) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    ContainerView out = implementation_->view(*container);
    if (sizes) add_sizes(out, *container, implementation_->services_.snapshots);
    return out;
}

Result<std::vector<ContainerView>> Containers::list(const ListFilter& filter) const {
    std::vector<ContainerView> out;
    for (const ContainerPtr& container : implementation_->all()) {
        if (filter.limit > 0 && out.size() >= static_cast<std::size_t>(filter.limit)) break;
        if (!filter.all && filter.limit <= 0 && !is_alive(container->state().status)) continue;
        out.push_back(implementation_->view(*container));
        if (filter.sizes) add_sizes(out.back(), *container, implementation_->services_.snapshots);
    }
    return out;
}

std::vector<std::string> Containers::using_volume(std::string_view volume_name) const {
    std::vector<std::string> out;
    for (const ContainerPtr& container : implementation_->all()) {
        const bool uses = std::ranges::any_of(container->mounts, [&](const MountRequest& mount) {
            return mount.type == MountType::Volume && mount.source == volume_name;
        });
        if (uses) out.push_back(container->id);
    }
    return out;
}

std::vector<std::string> Containers::using_image(std::string_view image_id) const {
    std::vector<std::string> out;
    for (const ContainerPtr& container : implementation_->all()) {
        const bool mounts_it = std::ranges::any_of(
            container->mounts,
            [&](const MountRequest& mount) { return mount.image_id == image_id; });
        if (mounts_it || container->image_id == image_id) out.push_back(container->id);
    }
    return out;
}

}  // namespace berth::container
