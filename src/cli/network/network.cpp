#include <algorithm>

#include "cli/commands.h"
#include "cli/container/create_parts_internal.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/system/inspect.h"
#include "cli/system/prune.h"

namespace berth::cli {

namespace {

using codec::get_bool;
using codec::get_string;
using enum FlagKind;

// Ranges, gateways and auxiliary addresses belong to the subnet that contains them; with one subnet
// that is simple, and with several they are matched in the order given.
Result<std::optional<api::Ipam>> ipam_of(const Flags& flags) {
    const auto subnets = flags.list("subnet"), ranges = flags.list("ip-range"),
               gateways = flags.list("gateway");
    const auto auxiliary = flags.list("aux-address");
    if (subnets.empty()) {
        if (!ranges.empty() || !gateways.empty() || !auxiliary.empty()) {
            return fail(ErrorCode::InvalidArgument,
                        "--ip-range, --gateway and --aux-address need a --subnet");
        }
        if (!flags.has("ipam-driver") && flags.list("ipam-opt").empty())
            return std::optional<api::Ipam>();
    }
    if (ranges.size() > subnets.size() || gateways.size() > subnets.size()) {
        return fail(ErrorCode::InvalidArgument, "more ranges or gateways than subnets");
    }
    api::Ipam ipam;
    ipam.driver = flags.text("ipam-driver");
    add_pairs(ipam.options, flags.list("ipam-opt"));
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        api::IpamPool pool{.subnet = subnets[i]};
        if (i < ranges.size()) pool.ip_range = ranges[i];
        if (i < gateways.size()) pool.gateway = gateways[i];
        if (i == 0) add_pairs(pool.auxiliary_addresses, auxiliary);
        ipam.config.push_back(std::move(pool));
    }
    return std::optional(std::move(ipam));
}

Result<int> run_create(Context& context, const Flags& flags) {
    api::NetworkCreateRequest request;
    request.name = flags.argument(0);
    request.driver = flags.text("driver");
    request.internal = flags.is_set("internal");
    request.attachable = flags.is_set("attachable");
    if (flags.has("ipv4")) request.enable_ipv4 = flags.is_set("ipv4");
    if (flags.has("ipv6")) request.enable_ipv6 = flags.is_set("ipv6");
    request.ipam = TRY(ipam_of(flags));
    add_pairs(request.options, flags.list("opt"));
    add_pairs(request.labels, flags.list("label"));
    const auto* engine = TRY(context.engine());
    const auto answer = TRY(engine->create_network(request));
    if (const auto warning = get_string(answer, "Warning"); !warning.empty()) context.warn(warning);
    TRY(context.print_line(get_string(answer, "Id")));
    return 0;
}

Result<int> run_list(Context& context, const Flags& flags) {
    std::string format = flags.text("format");
    if (format.empty()) format = TRY(context.config())->text("networksFormat");
    const auto* engine = TRY(context.engine());
    const auto networks = TRY(engine->list_networks(TRY(filters_of(flags))));
    std::vector<Row> rows;
    for (const auto& network : networks) {
        Row row;
        if (const auto* labels = codec::find_member(network, "Labels")) row.labels = *labels;
        row.fields["CreatedAt"] = get_string(network, "Created");
        row.fields["Driver"] = get_string(network, "Driver");
        row.fields["ID"] = short_id(get_string(network, "Id"), flags.is_set("no-trunc"));
        row.fields["IPv6"] = get_bool(network, "EnableIPv6") ? "true" : "false";
        row.fields["Internal"] = get_bool(network, "Internal") ? "true" : "false";
        row.fields["Labels"] = join_labels(row.labels);
        row.fields["Name"] = get_string(network, "Name");
        row.fields["Scope"] = get_string(network, "Scope");
        rows.push_back(std::move(row));
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return get_string(a.fields, "Name") < get_string(b.fields, "Name");
    });
    const ListView view{.table = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
                        .headings = {{"ID", "NETWORK ID"},
                                     {"Name", "NAME"},
                                     {"Driver", "DRIVER"},
                                     {"Scope", "SCOPE"},
                                     {"IPv6", "IPV6"},
                                     {"Internal", "INTERNAL"},
                                     {"Labels", "LABELS"},
                                     {"CreatedAt", "CREATED AT"}}};
    TRY(context.print(TRY(render_list(view, flags.is_set("quiet") ? "{{.ID}}" : format, rows))));
    return 0;
}

Result<int> run_inspect(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return inspect_each(context, flags, [&](const std::string& name) {
        return engine->inspect_network(name, flags.is_set("verbose"));
    });
}

Result<int> run_remove(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return for_each_name(
        context, flags.arguments(), [&](const std::string& name) -> Result<std::string> {
            auto removed = engine->remove_network(name);
            if (!removed && !(flags.is_set("force") && removed.error().is(ErrorCode::NotFound)))
                return std::move(removed).error();
            return name;
        });
}

Result<int> run_connect(Context& context, const Flags& flags) {
    api::NetworkConnectRequest request{.container = flags.argument(1)};
    auto& endpoint = request.endpoint_config.emplace();
    endpoint.aliases = flags.list("alias");
    endpoint.links = flags.list("link");
    add_pairs(endpoint.driver_opts, flags.list("driver-opt"));
    endpoint.gw_priority = static_cast<int>(flags.number("gw-priority").value_or(0));
    if (flags.has("ip") || flags.has("ip6") || flags.has("link-local-ip")) {
        endpoint.ipam_config.emplace();
        endpoint.ipam_config->ipv4_address = flags.text("ip");
        endpoint.ipam_config->ipv6_address = flags.text("ip6");
        endpoint.ipam_config->link_local_ips = flags.list("link-local-ip");
    }
    const auto* engine = TRY(context.engine());
    TRY(engine->connect_network(flags.argument(0), request));
    return 0;
}

Result<int> run_disconnect(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    TRY(engine->disconnect_network(
        flags.argument(0), {.container = flags.argument(1), .force = flags.is_set("force")}));
    return 0;
}

Result<int> run_prune(Context& context, const Flags& flags) {
    return prune(
        context, flags,
        {.warning = "This will remove all custom networks not used by at least one container.",
         .plan = {.types = {"network"}},
         .otherwise = {prune_networks_step()}});
}

std::vector<Flag> create_flags() {
    return {{.name = "attachable", .help = "Allow containers to join by hand"},
            {.name = "aux-address", .kind = List, .help = "Address to keep free (name=address)"},
            {.name = "driver", .letter = 'd', .kind = Text, .help = "Driver", .fallback = "bridge"},
            {.name = "gateway", .kind = List, .help = "Gateway of the subnet"},
            {.name = "internal", .help = "Without a way to the outside"},
            {.name = "ip-range", .kind = List, .help = "Part of the subnet to give addresses from"},
            {.name = "ipam-driver", .kind = Text, .help = "Address management driver"},
            {.name = "ipam-opt", .kind = List, .help = "Option of the address management driver"},
            {.name = "ipv4", .help = "Give IPv4 addresses"},
            {.name = "ipv6", .help = "Give IPv6 addresses"},
            {.name = "label", .kind = List, .help = "Set a label"},
            {.name = "opt", .letter = 'o', .kind = List, .help = "Option of the driver"},
            {.name = "subnet", .kind = List, .help = "Subnet such as 10.10.0.0/24"}};
}

std::vector<Flag> connect_flags() {
    return {{.name = "alias", .kind = List, .help = "Further name on the network"},
            {.name = "driver-opt", .kind = List, .help = "Option of the driver"},
            {.name = "gw-priority",
             .kind = Number,
             .help = "The highest one provides the default gateway"},
            {.name = "ip", .kind = Text, .help = "IPv4 address"},
            {.name = "ip6", .kind = Text, .help = "IPv6 address"},
            {.name = "link", .kind = List, .help = "Link to another container"},
            {.name = "link-local-ip", .kind = List, .help = "Link-local address"}};
}

}  // namespace

Command network_group() {
    auto inspect = inspect_flags();
    inspect.push_back({.name = "verbose", .letter = 'v', .help = "Say more"});
    return {
        .name = "network",
        .summary = "Manage networks",
        .children = {
            {.name = "create",
             .arguments = "NETWORK",
             .summary = "Create a network",
             .example = "berth network create --subnet 10.10.0.0/24 back",
             .flags = create_flags(),
             .least = 1,
             .most = 1,
             .run = run_create},
            {.name = "ls",
             .summary = "List networks",
             .example = "berth network ls --filter driver=bridge",
             .flags = list_flags(),
             .run = run_list,
             .aliases = {"list"}},
            {.name = "inspect",
             .arguments = "NETWORK [NETWORK...]",
             .summary = "Show everything about networks",
             .example = "berth network inspect back",
             .flags = inspect,
             .least = 1,
             .most = any_number,
             .run = run_inspect},
            {.name = "rm",
             .arguments = "NETWORK [NETWORK...]",
             .summary = "Remove networks",
             .example = "berth network rm back",
             .flags = {{.name = "force", .letter = 'f', .help = "It is fine if it is not there"}},
             .least = 1,
             .most = any_number,
             .run = run_remove,
             .aliases = {"remove"}},
            {.name = "connect",
             .arguments = "NETWORK CONTAINER",
             .summary = "Join a container to a network",
             .example = "berth network connect --alias db back postgres",
             .flags = connect_flags(),
             .least = 2,
             .most = 2,
             .run = run_connect},
            {.name = "disconnect",
             .arguments = "NETWORK CONTAINER",
             .summary = "Take a container off a network",
             .example = "berth network disconnect back postgres",
             .flags = {{.name = "force", .letter = 'f', .help = "Even if it cannot be reached"}},
             .least = 2,
             .most = 2,
             .run = run_disconnect},
            {.name = "prune",
             .summary = "Remove networks that nothing uses",
             .example = "berth network prune -f",
             .flags = prune_flags(),
             .run = run_prune},
        }};
}

}  // namespace berth::cli
