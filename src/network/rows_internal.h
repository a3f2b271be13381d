#pragma once
#include <string>
#include <vector>

#include "network/network.h"
#include "record/database.h"

namespace berth::network {

// The rows of networks and endpoints. What is looked up is a column, the rest one JSON document
// with a version.

struct StoredNetwork {
    Network network;
    /// False between the row's birth and the bridge's: an interrupted create or remove, swept by
    /// reconcile().
    bool complete = false;
};

std::string network_document(const Network& network);
Result<Network> parse_network_document(std::string_view text);
std::string endpoint_document(const Endpoint& endpoint);
Result<Endpoint> parse_endpoint_document(std::string_view text);

Result<> insert_network(record::Database& database, const StoredNetwork& row);
Result<> set_network_complete(record::Database& database, const std::string& id, bool complete);
Result<> delete_network(record::Database& database, const std::string& id);
Result<std::vector<StoredNetwork>> load_networks(record::Database& database);

// Endpoints end with the machine: their rows need not survive a power cut.
Result<> store_endpoints(record::Database& database, std::span<const Endpoint> endpoints);
Result<> delete_endpoints(record::Database& database, std::span<const Endpoint> endpoints);
Result<std::vector<Endpoint>> load_endpoints(record::Database& database);

}  // namespace berth::network
