#include "codec/json.h"
#include "network/manager.h"
#include "network/rows_internal.h"

namespace berth::network {

using codec::Json;

const record::Schema& schema() {
    static const record::Schema value{"network", {R"(
        CREATE TABLE network (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, complete INTEGER NOT NULL,
                              document TEXT NOT NULL) STRICT;
        CREATE TABLE network_endpoint (id TEXT PRIMARY KEY, network_id TEXT NOT NULL,
                                       container_id TEXT NOT NULL, document TEXT NOT NULL,
                                       UNIQUE (container_id, network_id)) STRICT;
        )"}};
    return value;
}

namespace {
Json write_map(const StringMap& map) {
    Json out = Json::object();
    for (const auto& [key, value] : map) out[key] = value;
    return out;
}

StringMap read_map(const Json& object, std::string_view key) {
    StringMap out;
    for (auto& [name, value] : codec::get_string_map(object, key))
        out.emplace(std::move(name), std::move(value));
    return out;
}

template <typename T>
Json write_optional(const std::optional<T>& value) {
    return value ? Json(value->to_string()) : Json(nullptr);
}

template <typename T>
Result<std::optional<T>> read_optional(const Json& object, std::string_view key) {
    std::string text = codec::get_string(object, key);
    if (text.empty()) return std::optional<T>();
    return std::optional<T>(TRY(T::parse(text)));
}

Json write_pool(const Pool& pool) {
    Json out = {{"subnet", pool.subnet.to_string()},
                {"range", write_optional(pool.range)},
                {"gateway", write_optional(pool.gateway)},
                {"auxiliary", Json::object()}};
    for (const auto& [name, address] : pool.auxiliary) out["auxiliary"][name] = address.to_string();
    return out;
}

Result<Pool> read_pool(const Json& object) {
    Pool out;
    out.subnet = TRY(Prefix::parse(codec::get_string(object, "subnet")));
    out.range = TRY(read_optional<Prefix>(object, "range"));
    out.gateway = TRY(read_optional<IpAddress>(object, "gateway"));
    for (const auto& [name, text] : codec::get_string_map(object, "auxiliary")) {
        IpAddress address = TRY(IpAddress::parse(text));
        out.auxiliary.emplace(name, address);
    }
    return out;
}

Json write_port(const PublishedPort& port) {
    return {{"container", port.container.to_string()},
            {"address", port.host_address.to_string()},
            {"port", port.host_port}};
}

Result<PublishedPort> read_port(const Json& object) {
    PublishedPort out;
    out.container = TRY(ContainerPort::parse(codec::get_string(object, "container")));
    out.host_address = TRY(IpAddress::parse(codec::get_string(object, "address")));
    out.host_port = static_cast<std::uint16_t>(codec::get_int(object, "port"));
    return out;
}

const Json& member_or_empty(const Json& object, std::string_view key) {
    static const Json empty = Json::array();
    const Json* member = codec::find_member(object, key);
    return member && member->is_array() ? *member : empty;
}
}  // namespace

std::string network_document(const Network& network) {
    const NetworkSpec& spec = network.spec;
    Json pools = Json::array();
    for (const auto& pool : spec.pools) pools.push_back(write_pool(pool));
    return codec::dump_json({{"created", to_rfc3339(network.created)},
                             {"driver", spec.driver},
                             {"bridge", network.bridge},
                             {"labels", write_map(spec.labels)},
                             {"options", write_map(spec.options)},
                             {"ipam_driver", spec.ipam_driver},
                             {"ipam_options", write_map(spec.ipam_options)},
                             {"pools", std::move(pools)},
                             {"internal", spec.internal},
                             {"attachable", spec.attachable},
                             {"enable_ipv6", spec.enable_ipv6}});
}

Result<Network> parse_network_document(std::string_view text) {
    Json document = TRY(codec::parse_json(text));
    Network out;
    out.created = parse_rfc3339(codec::get_string(document, "created")).value_or(Timestamp{});
    out.bridge = codec::get_string(document, "bridge");
    out.spec.driver = codec::get_string(document, "driver");
    out.spec.labels = read_map(document, "labels");
    out.spec.options = read_map(document, "options");
    out.spec.ipam_driver = codec::get_string(document, "ipam_driver");
    out.spec.ipam_options = read_map(document, "ipam_options");
    for (const Json& pool : member_or_empty(document, "pools"))
        out.spec.pools.push_back(TRY(read_pool(pool)));
    out.spec.internal = codec::get_bool(document, "internal");
    out.spec.attachable = codec::get_bool(document, "attachable");
    out.spec.enable_ipv6 = codec::get_bool(document, "enable_ipv6");
    return out;
}

std::string endpoint_document(const Endpoint& endpoint) {
    Json ports = Json::array();
    for (const auto& port : endpoint.ports) ports.push_back(write_port(port));
    Json links = Json::array();
    for (const auto& [container, alias] : endpoint.links)
        links.push_back({{"container", container}, {"alias", alias}});
    return codec::dump_json({{"network_name", endpoint.network_name},
                             {"container_name", endpoint.container_name},
                             {"interface", endpoint.interface},
                             {"host_link", endpoint.host_link},
                             {"mac", endpoint.mac},
                             {"address", endpoint.address.to_string()},
                             {"gateway", endpoint.gateway.to_string()},
                             {"address_v6", write_optional(endpoint.address_v6)},
                             {"gateway_v6", write_optional(endpoint.gateway_v6)},
                             {"default_route", endpoint.default_route},
                             {"aliases", endpoint.aliases},
                             {"dns_names", endpoint.dns_names},
                             {"links", std::move(links)},
                             {"ports", std::move(ports)}});
}

Result<Endpoint> parse_endpoint_document(std::string_view text) {
    Json document = TRY(codec::parse_json(text));
    Endpoint out;
    out.network_name = codec::get_string(document, "network_name");
    out.container_name = codec::get_string(document, "container_name");
    out.interface = codec::get_string(document, "interface");
    out.host_link = codec::get_string(document, "host_link");
    out.mac = codec::get_string(document, "mac");
    out.address = TRY(Prefix::parse(codec::get_string(document, "address")));
    out.gateway = TRY(IpAddress::parse(codec::get_string(document, "gateway")));
    out.address_v6 = TRY(read_optional<Prefix>(document, "address_v6"));
    out.gateway_v6 = TRY(read_optional<IpAddress>(document, "gateway_v6"));
    out.default_route = codec::get_bool(document, "default_route");
    out.aliases = codec::get_strings(document, "aliases");
    out.dns_names = codec::get_strings(document, "dns_names");
    for (const Json& link : member_or_empty(document, "links")) {
        out.links.emplace_back(codec::get_string(link, "container"),
                               codec::get_string(link, "alias"));
    }
    for (const Json& port : member_or_empty(document, "ports"))
        out.ports.push_back(TRY(read_port(port)));
    return out;
}

Result<> insert_network(record::Database& database, const StoredNetwork& row) {
    TRY(database.execute(
        "INSERT INTO network (id, name, complete, document) VALUES (?1, ?2, ?3, ?4)",
        row.network.id, row.network.spec.name, row.complete, network_document(row.network)));
    return {};
}

Result<> set_network_complete(record::Database& database, const std::string& id, bool complete) {
    TRY(database.execute("UPDATE network SET complete = ?2 WHERE id = ?1", id, complete));
    return {};
}

Result<> delete_network(record::Database& database, const std::string& id) {
    TRY(database.execute("DELETE FROM network WHERE id = ?1", id));
    return {};
}

Result<std::vector<StoredNetwork>> load_networks(record::Database& database) {
    auto rows = TRY(database.prepare("SELECT id, name, complete, document FROM network"));
    std::vector<StoredNetwork> out;
    while (TRY(rows.step())) {
        Network network =
            TRY(parse_network_document(rows.text(3)).context("network ", rows.text(1)));
        network.id = rows.text(0);
        network.spec.name = rows.text(1);
        out.push_back({std::move(network), rows.integer(2) != 0});
    }
    return out;
}

Result<> store_endpoints(record::Database& database, std::span<const Endpoint> endpoints) {
    auto transaction = TRY(database.begin(record::Durability::Relaxed));
    for (const auto& endpoint : endpoints) {
        TRY(database.execute(
            "INSERT OR REPLACE INTO network_endpoint (id, network_id, container_id, document)"
            " VALUES (?1, ?2, ?3, ?4)",
            endpoint.id, endpoint.network_id, endpoint.container_id, endpoint_document(endpoint)));
    }
    return std::move(transaction).commit();
}

Result<> delete_endpoints(record::Database& database, std::span<const Endpoint> endpoints) {
    auto transaction = TRY(database.begin(record::Durability::Relaxed));
    for (const auto& endpoint : endpoints) {
        TRY(database.execute("DELETE FROM network_endpoint WHERE id = ?1", endpoint.id));
    }
    return std::move(transaction).commit();
}

Result<std::vector<Endpoint>> load_endpoints(record::Database& database) {
    auto rows = TRY(
        database.prepare("SELECT id, network_id, container_id, document FROM network_endpoint"));
    std::vector<Endpoint> out;
    while (TRY(rows.step())) {
        Endpoint endpoint =
            TRY(parse_endpoint_document(rows.text(3)).context("endpoint ", rows.text(0)));
        endpoint.id = rows.text(0);
        endpoint.network_id = rows.text(1);
        endpoint.container_id = rows.text(2);
        out.push_back(std::move(endpoint));
    }
    return out;
}

}  // namespace berth::network
