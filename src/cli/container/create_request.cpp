#include "cli/container/create_request.h"

#include <algorithm>

#include "cli/container/create_parts_internal.h"
#include "cli/parse/environment.h"
#include "cli/parse/network.h"
#include "cli/parse/port.h"
#include "cli/parse/resources.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

bool attaches(const Flags& flags, std::string_view stream) {
    for (const auto& value : flags.list("attach")) {
        if (to_lower(value) == stream) return true;
    }
    return false;
}

Result<> set_environment(const Context& context, const Flags& flags, api::ContainerConfig& config) {
    for (const auto& path : flags.list("env-file")) {
        const std::string text = TRY(sys::read_file(path).context("--env-file ", path));
        auto variables = TRY(parse_variable_file(text, context.environment()).context(path));
        config.env.insert(config.env.end(), variables.begin(), variables.end());
    }
    for (const auto& text : flags.list("env"))
        TRY(add_variable(config.env, text, context.environment()));
    return {};
}

Result<> set_labels(const Context& context, const Flags& flags, api::ContainerConfig& config) {
    std::vector<std::string> labels;
    for (const auto& path : flags.list("label-file")) {
        const std::string text = TRY(sys::read_file(path).context("--label-file ", path));
        auto lines = TRY(parse_variable_file(text, context.environment()).context(path));
        labels.insert(labels.end(), lines.begin(), lines.end());
    }
    for (auto& text : flags.list("label")) labels.push_back(std::move(text));
    add_pairs(config.labels, labels);
    return {};
}

Result<> set_health(const Flags& flags, api::ContainerConfig& config) {
    static constexpr std::string_view names[] = {
        "health-cmd",     "health-interval",     "health-timeout",
        "health-retries", "health-start-period", "health-start-interval",
        "health-http",    "health-tcp",          "health-grpc"};
    const bool has_any =
        std::any_of(std::begin(names), std::end(names), [&](auto name) { return flags.has(name); });
    if (flags.is_set("no-healthcheck")) {
        if (has_any)
            return fail(ErrorCode::InvalidArgument,
                        "--no-healthcheck conflicts with --health-* flags");
        config.healthcheck.emplace().test = {"NONE"};
        return {};
    }
    if (!has_any) return {};
    auto& health = config.healthcheck.emplace();
    if (const std::string command = flags.text("health-cmd"); !command.empty())
        health.test = {"CMD-SHELL", command};
    static constexpr std::pair<std::string_view, std::string_view> natives[] = {
        {"health-http", "HTTP"}, {"health-tcp", "TCP"}, {"health-grpc", "GRPC"}};
    for (const auto& [flag, kind] : natives) {
        const std::string target = flags.text(flag);
        if (target.empty()) continue;
        if (!health.test.empty())
            return fail(ErrorCode::InvalidArgument, "--", flag,
                        " conflicts with another health check");
        health.test = {std::string(kind), target};
    }
    health.interval = flags.nanoseconds("health-interval").value_or(0);
    health.timeout = flags.nanoseconds("health-timeout").value_or(0);
    health.start_period = flags.nanoseconds("health-start-period").value_or(0);
    health.start_interval = flags.nanoseconds("health-start-interval").value_or(0);
    health.retries = static_cast<int>(flags.number("health-retries").value_or(0));
    return {};
}

void set_streams(const Flags& flags, bool detached, api::ContainerConfig& config) {
    config.tty = flags.is_set("tty");
    config.open_stdin = flags.is_set("interactive");
    if (detached) return;
    const bool chosen = flags.has("attach");
    config.attach_stdin = chosen ? attaches(flags, "stdin") : config.open_stdin;
    config.attach_stdout = !chosen || attaches(flags, "stdout");
    config.attach_stderr = !chosen || attaches(flags, "stderr");
    config.stdin_once = config.open_stdin && config.attach_stdin;
}

Result<> set_ports(const Flags& flags, api::ContainerCreateRequest& request) {
    auto expose = [&](const std::string& port) {
        auto& ports = request.config.exposed_ports;
        if (std::find(ports.begin(), ports.end(), port) == ports.end()) ports.push_back(port);
    };
    for (const auto& text : flags.list("publish")) {
        for (const auto& port : TRY(parse_published(text))) {
            expose(port.container_port);
            request.host_config.port_bindings[port.container_port].push_back(
                {port.host_ip, port.host_port});
        }
    }
    for (const auto& text : flags.list("expose")) {
        for (const auto& port : TRY(parse_exposed(text).context("--expose"))) expose(port);
    }
    request.host_config.publish_all_ports = flags.is_set("publish-all");
    return {};
}

// Flags without a network of their own (--ip, --network-alias) belong to the first network.
Result<> set_networks(const Flags& flags, api::ContainerCreateRequest& request) {
    std::vector<NetworkFlag> networks;
    for (const auto& text : flags.list("network")) networks.push_back(TRY(parse_network(text)));
    if (networks.empty()) networks.push_back({"default", {}});
    request.host_config.network_mode = networks.front().name;
    auto& first = networks.front().endpoint;
    const std::string ip = flags.text("ip"), ip6 = flags.text("ip6");
    const auto link_local = flags.list("link-local-ip");
    if (!ip.empty() || !ip6.empty() || !link_local.empty()) {
        if (!first.ipam_config) first.ipam_config.emplace();
        if (!ip.empty()) first.ipam_config->ipv4_address = ip;
        if (!ip6.empty()) first.ipam_config->ipv6_address = ip6;
        if (!link_local.empty()) first.ipam_config->link_local_ips = link_local;
    }
    for (auto& alias : flags.list("network-alias")) first.aliases.push_back(std::move(alias));
    if (const std::string mac = flags.text("mac-address"); !mac.empty()) first.mac_address = mac;
    if (!flags.list("link").empty()) first.links = flags.list("link");
    const bool is_plain = first.aliases.empty() && !first.ipam_config &&
                          first.mac_address.empty() && first.links.empty() &&
                          first.driver_opts.empty() && first.gw_priority == 0;
    if (networks.size() == 1 && is_plain) return {};
    for (auto& network : networks) request.endpoints[network.name] = std::move(network.endpoint);
    return {};
}

}  // namespace

Result<api::ContainerCreateRequest> container_request(const Context& context, const Flags& flags) {
    api::ContainerCreateRequest request;
    auto& config = request.config;
    config.image = flags.argument(0);
    if (flags.argument_count() > 1) {
        config.cmd.emplace(flags.arguments().begin() + 1, flags.arguments().end());
    }
    if (flags.has("entrypoint")) {
        const std::string entrypoint = flags.text("entrypoint");
        config.entrypoint =
            entrypoint.empty() ? std::vector<std::string>{""} : std::vector{entrypoint};
    }
    config.hostname = flags.text("hostname");
    config.domainname = flags.text("domainname");
    config.user = flags.text("user");
    config.working_dir = flags.text("workdir");
    config.stop_signal = flags.text("stop-signal");
    if (const auto seconds = flags.number("stop-timeout"))
        config.stop_timeout = static_cast<int>(*seconds);
    set_streams(flags, flags.is_set("detach"), config);
    TRY(set_environment(context, flags, config));
    TRY(set_labels(context, flags, config));
    TRY(set_health(flags, config));
    TRY(set_ports(flags, request));
    TRY(set_networks(flags, request));
    TRY(set_mounts(context, flags, request));
    TRY(set_resources(flags, request.host_config));
    TRY(set_security(flags, request.host_config));
    TRY(set_host(flags, request.host_config));
    return request;
}

}  // namespace berth::cli
