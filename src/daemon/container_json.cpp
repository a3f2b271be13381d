#include "daemon/container_json.h"

#include <algorithm>

#include "api/json_values.h"
#include "daemon/container_wire.h"

namespace berth::daemon {

using codec::Json;
using container::ContainerView;
using container::Status;

namespace {
/// The epoch stands for "never", which Go writes as its zero time.
std::string time_text(Timestamp time) {
    return time == Timestamp{} ? "0001-01-01T00:00:00Z" : to_rfc3339(time);
}

api::EndpointSettings endpoint_of(const container::EndpointView& view) {
    api::EndpointSettings out{
        .links = view.links, .aliases = view.aliases, .mac_address = view.mac_address};
    if (!view.wanted_ipv4.empty() || !view.wanted_ipv6.empty() || !view.wanted_link_local.empty())
        out.ipam_config = api::EndpointSettings::IpamConfig{view.wanted_ipv4, view.wanted_ipv6,
                                                            view.wanted_link_local};
    out.driver_opts = view.driver_options;
    out.gw_priority = view.gw_priority;
    out.network_id = view.network_id;
    out.endpoint_id = view.endpoint_id;
    out.gateway = view.gateway;
    out.ip_address = view.ipv4_address;
    out.ip_prefix_len = view.ipv4_prefix;
    out.ipv6_gateway = view.ipv6_gateway;
    out.global_ipv6_address = view.ipv6_address;
    out.global_ipv6_prefix_len = view.ipv6_prefix;
    out.dns_names = view.dns_names;
    return out;
}

Json endpoints_of(const ContainerView& view) {
    Json networks = Json::object();
    for (const auto& endpoint : view.endpoints)
        networks[endpoint.network_name] = api::json_of(endpoint_of(endpoint));
    return networks;
}

Json mounts_of(const ContainerView& view) {
    Json mounts = Json::array();
    for (const auto& mount : view.mounts) {
        Json entry{{"Type", mount.type}};
        if (!mount.name.empty()) entry["Name"] = mount.name;
        entry["Source"] = mount.source;
        entry["Destination"] = mount.destination;
        if (!mount.driver.empty()) entry["Driver"] = mount.driver;
        entry["Mode"] = mount.mode;
        entry["RW"] = mount.writable;
        entry["Propagation"] = mount.propagation;
        mounts.push_back(std::move(entry));
    }
    return mounts;
}

/// NetworkSettings.Ports: "80/tcp" -> [{HostIp, HostPort}], null for a port that is only exposed.
Json published_ports_of(const ContainerView& view) {
    Json ports = Json::object();
    for (const auto& published : view.ports) {
        Json& list = ports[published.port.to_string()];
        if (published.host_port == 0) continue;
        if (list.is_null()) list = Json::array();
        list.push_back({{"HostIp", published.host_address},
                        {"HostPort", std::to_string(published.host_port)}});
    }
    return ports;
}

Json port_list_of(const ContainerView& view) {
    Json ports = Json::array();
    for (const auto& published : view.ports) {
        Json entry = Json::object();
        if (published.host_port) entry["IP"] = published.host_address;
        entry["PrivatePort"] = published.port.number;
        if (published.host_port) entry["PublicPort"] = published.host_port;
        entry["Type"] = published.port.protocol;
        ports.push_back(std::move(entry));
    }
    return ports;
}

Json health_of(const container::Health& health) {
    Json entries = Json::array();
    for (const auto& probe : health.log) {
        entries.push_back({{"Start", time_text(probe.start)},
                           {"End", time_text(probe.end)},
                           {"ExitCode", probe.exit_code},
                           {"Output", probe.output}});
    }
    return {{"Status", health.status},
            {"FailingStreak", health.failing_streak},
            {"Log", std::move(entries)}};
}

Json state_of(const container::State& state) {
    const bool is_running = is_alive(state.status);
    Json out{{"Status", to_string(state.status)},
             {"Running", is_running},
             {"Paused", state.status == Status::Paused},
             {"Restarting", state.status == Status::Restarting},
             {"OOMKilled", state.oom_killed},
             {"Dead", state.status == Status::Dead},
             {"Pid", state.pid},
             {"ExitCode", state.exit_code},
             {"Error", state.error},
             {"StartedAt", time_text(state.started_at)},
             {"FinishedAt", time_text(state.finished_at)}};
    if (!state.health.status.empty()) out["Health"] = health_of(state.health);
    return out;
}

/// Members that stood for the default bridge before networks had names; gone from 1.52 on.
void add_legacy_network_members(Json& settings, const ContainerView& view) {
    const container::EndpointView none;
    const container::EndpointView* bridge = &none;
    for (const auto& endpoint : view.endpoints)
        if (endpoint.network_name == "bridge") bridge = &endpoint;
    settings["Bridge"] = "";
    settings["HairpinMode"] = false;
    settings["LinkLocalIPv6Address"] = "";
    settings["LinkLocalIPv6PrefixLen"] = 0;
    settings["SecondaryIPAddresses"] = nullptr;
    settings["SecondaryIPv6Addresses"] = nullptr;
    settings["EndpointID"] = bridge->endpoint_id;
    settings["Gateway"] = bridge->gateway;
    settings["GlobalIPv6Address"] = bridge->ipv6_address;
    settings["GlobalIPv6PrefixLen"] = bridge->ipv6_prefix;
    settings["IPAddress"] = bridge->ipv4_address;
    settings["IPPrefixLen"] = bridge->ipv4_prefix;
    settings["IPv6Gateway"] = bridge->ipv6_gateway;
    settings["MacAddress"] = bridge->mac_address;
}

/// What `ps` shows as COMMAND: the words joined, with those that need it quoted.
std::string command_text(const ContainerView& view) {
    const auto quote = [](const std::string& word) {
        return word.find(' ') == std::string::npos && !word.empty() ? word : "'" + word + "'";
    };
    std::string text = view.path;
    for (const auto& word : view.args) text += " " + quote(word);
    return text;
}
}  // namespace

std::string human_duration(std::chrono::nanoseconds duration) {
    using namespace std::chrono;
    const auto seconds_count = duration_cast<seconds>(duration).count();
    const auto minutes_count = duration_cast<minutes>(duration).count();
    const auto hours_count = duration_cast<hours>(duration + 30min).count();
    if (seconds_count < 1) return "Less than a second";
    if (seconds_count == 1) return "1 second";
    if (seconds_count < 60) return concat(seconds_count, " seconds");
    if (minutes_count == 1) return "About a minute";
    if (minutes_count < 60) return concat(minutes_count, " minutes");
    if (hours_count == 1) return "About an hour";
    if (hours_count < 48) return concat(hours_count, " hours");
    if (hours_count < 24 * 7 * 2) return concat(hours_count / 24, " days");
    if (hours_count < 24 * 30 * 2) return concat(hours_count / 24 / 7, " weeks");
    if (hours_count < 24 * 365 * 2) return concat(hours_count / 24 / 30, " months");
    return concat(hours_count / 24 / 365, " years");
}

std::string status_text(const container::State& state, Timestamp now) {
    const auto since = [&](Timestamp time) { return human_duration(now - time); };
    switch (state.status) {
        case Status::Created: return "Created";
        case Status::Running: {
            std::string text = "Up " + since(state.started_at);
            if (state.health.status == "starting") return text + " (health: starting)";
            return state.health.status.empty() ? text
                                               : concat(text, " (", state.health.status, ")");
        }
        case Status::Paused: return concat("Up ", since(state.started_at), " (Paused)");
        case Status::Restarting:
            return concat("Restarting (", state.exit_code, ") ", since(state.finished_at), " ago");
        case Status::Removing: return "Removal In Progress";
        case Status::Exited:
            return concat("Exited (", state.exit_code, ") ", since(state.finished_at), " ago");
        case Status::Dead: return "Dead";
    }
    return {};
}

Json list_entry_of(const ContainerView& view, Timestamp now, api::ApiVersion version) {
    Json host{{"NetworkMode", view.spec.host.network_mode}};
    if (version >= api::ApiVersion{1, 46} && !view.spec.host.annotations.empty())
        host["Annotations"] = view.spec.host.annotations;
    Json out{{"Id", view.id},
             {"Names", Json::array({"/" + view.name})},
             {"Image", view.spec.image},
             {"ImageID", view.image_id},
             {"Command", command_text(view)},
             {"Created", unix_seconds(view.created_at)},
             {"Ports", port_list_of(view)},
             {"Labels", view.spec.labels},
             {"State", to_string(view.state.status)},
             {"Status", status_text(view.state, now)},
             {"HostConfig", std::move(host)},
             {"NetworkSettings", {{"Networks", endpoints_of(view)}}},
             {"Mounts", mounts_of(view)}};
    if (view.spec.labels.empty()) out["Labels"] = Json::object();
    if (view.size_rw > 0) out["SizeRw"] = view.size_rw;
    if (view.size_root >= 0) out["SizeRootFs"] = view.size_root;
    return out;
}

Json inspect_of(const ContainerView& view, api::ApiVersion version) {
    const bool is_legacy = version < api::ApiVersion{1, 52};
    Json settings{{"SandboxID", view.sandbox_id},
                  {"SandboxKey", view.sandbox_key},
                  {"Ports", published_ports_of(view)}};
    if (is_legacy) add_legacy_network_members(settings, view);
    settings["Networks"] = endpoints_of(view);
    Json config = api::json_of(config_of(view.spec));
    if (!is_legacy && config.contains("OnBuild") && config["OnBuild"].empty())
        config.erase("OnBuild");
    Json out{{"Id", view.id},
             {"Created", time_text(view.created_at)},
             {"Path", view.path},
             {"Args", view.args},
             {"State", state_of(view.state)},
             {"Image", view.image_id},
             {"ResolvConfPath", view.resolv_conf_path},
             {"HostnamePath", view.hostname_path},
             {"HostsPath", view.hosts_path},
             {"LogPath", view.log_path},
             {"Name", "/" + view.name},
             {"RestartCount", view.state.restart_count},
             {"Driver", "berth"},
             {"Platform", "linux"},
             {"MountLabel", ""},
             {"ProcessLabel", ""},
             {"AppArmorProfile", ""},
             {"ExecIDs", view.exec_ids.empty() ? Json(nullptr) : Json(view.exec_ids)},
             {"HostConfig", api::json_of(host_config_of(view.spec.host))},
             {"GraphDriver", {{"Data", nullptr}, {"Name", "berth"}}},
             {"Mounts", mounts_of(view)},
             {"Config", std::move(config)},
             {"NetworkSettings", std::move(settings)}};
    if (view.size_rw >= 0) out["SizeRw"] = view.size_rw;
    if (view.size_root >= 0) out["SizeRootFs"] = view.size_root;
    return out;
}

}  // namespace berth::daemon
