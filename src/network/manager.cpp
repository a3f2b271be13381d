#include "network/manager.h"

#include <algorithm>

#include "base/assert.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/sha256.h"
#include "network/rows_internal.h"
#include "network/state_internal.h"

namespace berth::network {

namespace {
constexpr std::string_view default_data_root = "/var/lib/berth";

bool is_valid_name(std::string_view name) {
    auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    return !name.empty() && is_word(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_word(c) || c == '_' || c == '.' || c == '-'; });
}

Error not_found(std::string_view name) {
    return fail(ErrorCode::NotFound, "network ", name, " not found");
}

// fd00::/8 with 40 random bits: RFC 4193 3.2.
Prefix random_local_subnet() {
    std::string hex = random_hex(5);
    return Prefix::parse(concat("fd", hex.substr(0, 2), ':', hex.substr(2, 4), ':',
                                hex.substr(6, 4), "::/64"))
        .value();
}

Result<> check_spec(const NetworkSpec& spec) {
    if (spec.name == "host" || spec.name == "bridge" || spec.name == "none" ||
        spec.name == "default") {
        return fail(ErrorCode::PermissionDenied, "operation is not permitted on predefined ",
                    spec.name, " network");
    }
    if (!is_valid_name(spec.name)) {
        return fail(ErrorCode::InvalidArgument, "invalid network name: \"", spec.name,
                    "\": only [a-zA-Z0-9][a-zA-Z0-9_.-]* is allowed");
    }
    if (spec.driver == "host" || spec.driver == "null") {
        return fail(ErrorCode::PermissionDenied, "only one instance of \"", spec.driver,
                    "\" network is allowed");
    }
    if (spec.driver != "bridge") {
        return Error(ErrorCode::NotFound, concat("could not find plugin ", spec.driver,
                                                 " in v1 plugin registry: plugin not found"))
            .with_hint("network drivers here: bridge, host, null");
    }
    if (spec.ipam_driver != "default") {
        return fail(ErrorCode::NotFound, "could not find IPAM driver ", spec.ipam_driver);
    }
    return {};
}
}  // namespace

std::string Manager::instance_of(std::string_view data_root) {
    while (data_root.size() > 1 && data_root.ends_with('/')) data_root.remove_suffix(1);
    if (data_root.empty() || data_root == default_data_root) return {};
    return codec::sha256_hex(as_bytes(data_root)).substr(0, 6);
}

Manager::Manager(std::unique_ptr<State> state) : state_(std::move(state)) {}

Manager::~Manager() {
    std::vector<Network> unused;
    bool is_empty = true;
    {
        auto locked = state_->tables.lock();
        for (const auto& [id, live] : locked->networks) {
            if (!live.network.is_bridge()) continue;
            bool is_needed = !live.network.is_predefined() || locked->count_on(id) > 0;
            if (!is_needed) unused.push_back(live.network);
            is_empty &= !is_needed;
        }
    }
    for (const auto& network : unused)
        state_->links->delete_bridge(network.bridge).ignore("the next engine uses it");
    if (is_empty) state_->firewall->remove().ignore("the next engine replaces it");
}

Result<std::unique_ptr<Manager>> Manager::open(record::Database& database, Options options) {
    auto state = std::make_unique<State>(database, std::move(options));
    const std::string& instance = state->options.instance;
    state->links = TRY(Links::open(instance));
    state->reaper = std::make_unique<LinkReaper>(*state->links);
    state->firewall = TRY(Firewall::open(instance.empty() ? "berth" : concat("berth_", instance)));
    TRY(state->load());
    TRY(state->add_predefined());
    return std::unique_ptr<Manager>(new Manager(std::move(state)));
}

namespace {

void set_daemon_options(StringMap& driver_options, const Manager::Options& options) {
    driver_options["com.docker.network.bridge.enable_icc"] =
        options.default_connectivity ? "true" : "false";
    driver_options["com.docker.network.bridge.enable_ip_masquerade"] =
        options.default_masquerade ? "true" : "false";
}

}  // namespace

Result<> Manager::State::load() {
    auto networks = TRY(load_networks(database));
    auto endpoints = TRY(load_endpoints(database));
    auto locked = tables.lock();
    for (auto& row : networks) {
        // These two are the daemon's at every start, whatever they were when the row was written.
        if (row.network.spec.name == "bridge")
            set_daemon_options(row.network.spec.options, options);
        std::string id = row.network.id;
        LiveNetwork live = make_live(std::move(row.network));
        live.is_open = row.complete;
        locked->networks.emplace(std::move(id), std::move(live));
    }
    for (auto& endpoint : endpoints) {
        auto network = locked->networks.find(endpoint.network_id);
        if (network != locked->networks.end()) {
            LiveNetwork& live = network->second;
            if (live.v4) live.v4->restore(endpoint.address.address);
            if (live.v6 && endpoint.address_v6) live.v6->restore(endpoint.address_v6->address);
        }
        for (const auto& port : endpoint.ports) locked->add_port(port);
        locked->endpoints[endpoint.container_id].push_back(std::move(endpoint));
    }
    return {};
}

Result<Network> Manager::State::default_network() {
    Network network{random_hex(32),
                    SystemClock().now(),
                    {},
                    options.instance.empty() ? "berth0" : concat("berth-", options.instance)};
    network.spec.name = "bridge";
    network.spec.options = {
        {"com.docker.network.bridge.default_bridge", "true"},
        {"com.docker.network.bridge.host_binding_ipv4", options.default_host_address.to_string()},
        {"com.docker.network.bridge.name", network.bridge}};
    set_daemon_options(network.spec.options, options);
    Pool pool;
    if (options.default_bridge_address) {
        pool.subnet = options.default_bridge_address->network();
        pool.gateway = options.default_bridge_address->address;
    } else {
        auto used = TRY(used_subnets());
        pool.subnet =
            TRY(choose_subnet(options.pools.empty() ? default_pools() : options.pools, used));
    }
    pool = TRY(complete_pool(std::move(pool)));
    network.spec.pools.push_back(std::move(pool));
    return network;
}

Result<> Manager::State::add_predefined() {
    auto has = [&](std::string_view name) { return tables.lock()->find(name) != nullptr; };
    std::vector<Network> missing;
    if (!has("bridge")) missing.push_back(TRY(default_network()));
    for (const auto& [name, driver] : {std::pair("host", "host"), std::pair("none", "null")}) {
        if (has(name)) continue;
        Network network{random_hex(32), SystemClock().now(), {}, {}};
        network.spec.name = name;
        network.spec.driver = driver;
        missing.push_back(std::move(network));
    }
    for (auto& network : missing) {
        TRY(insert_network(database, {network, true}));
        std::string id = network.id;
        tables.lock()->networks.emplace(id, make_live(std::move(network)));
    }
    return {};
}

Result<> Manager::State::fill_pools(NetworkSpec& spec) {
    auto is_family = [](Family family) {
        return [family](const Pool& pool) { return pool.subnet.address.family() == family; };
    };
    auto count = [&](Family family) {
        return std::count_if(spec.pools.begin(), spec.pools.end(), is_family(family));
    };
    if (count(Family::V4) > 1 || count(Family::V6) > 1) {
        return fail(ErrorCode::Unsupported,
                    "bridge driver does not support several subnets of one address family");
    }
    if (count(Family::V6) > 0) spec.enable_ipv6 = true;
    {
        auto locked = tables.lock();
        for (const auto& pool : spec.pools) {
            for (const auto& [id, live] : locked->networks) {
                for (const auto& other : live.network.spec.pools) {
                    if (!other.subnet.overlaps(pool.subnet)) continue;
                    return Error(ErrorCode::Conflict,
                                 "invalid pool request: Pool overlaps with other one on this "
                                 "address space")
                        .with_hint(concat("network ", live.network.spec.name, " has ",
                                          other.subnet.to_string()));
                }
            }
        }
    }
    if (count(Family::V4) == 0) {
        auto used = TRY(used_subnets());
        Pool pool;
        pool.subnet =
            TRY(choose_subnet(options.pools.empty() ? default_pools() : options.pools, used));
        spec.pools.insert(spec.pools.begin(), std::move(pool));
    }
    if (spec.enable_ipv6 && count(Family::V6) == 0) {
        Pool pool;
        pool.subnet = random_local_subnet();
        spec.pools.push_back(std::move(pool));
    }
    for (auto& pool : spec.pools) pool = TRY(complete_pool(std::move(pool)));
    return {};
}

Result<Network> Manager::create(NetworkSpec spec) {
    if (spec.driver.empty() || spec.driver == "default") spec.driver = "bridge";
    if (spec.ipam_driver.empty()) spec.ipam_driver = "default";
    TRY(check_spec(spec));
    {
        auto locked = state_->tables.lock();
        for (const auto& [id, live] : locked->networks) {
            if (live.network.spec.name != spec.name) continue;
            return fail(ErrorCode::AlreadyExists, "network with name ", spec.name,
                        " already exists");
        }
    }
    TRY(state_->database.check_room());
    TRY(state_->fill_pools(spec));
    Network network{random_hex(32), SystemClock().now(), std::move(spec), {}};
    auto named = network.spec.options.find("com.docker.network.bridge.name");
    network.bridge = named != network.spec.options.end() ? named->second
                                                         : concat("br-", network.id.substr(0, 12));
    // The row first, which also settles who wins the name and, through the loaded tables, the
    // subnet.
    auto inserted = insert_network(state_->database, {network, false});
    if (inserted.is_error() && inserted.error().is(ErrorCode::AlreadyExists)) {
        return fail(ErrorCode::AlreadyExists, "network with name ", network.spec.name,
                    " already exists");
    }
    TRY(std::move(inserted));
    LiveNetwork live = make_live(network);
    live.is_open = false;
    state_->tables.lock()->networks.emplace(network.id, std::move(live));
    auto made = state_->ready_bridge(network.id);
    auto completed = made.is_error() ? Result<>(std::move(made).error())
                                     : set_network_complete(state_->database, network.id, true);
    auto undo = [&] {
        state_->take_down(network).ignore("reconcile() sweeps what the incomplete row names");
        state_->tables.lock()->networks.erase(network.id);
        delete_network(state_->database, network.id).ignore("reconcile() sweeps incomplete rows");
    };
    if (completed.is_error()) {
        undo();
        return std::move(completed).error();
    }
    state_->tables.lock()->networks.at(network.id).is_open = true;
    return network;
}

Result<Network> Manager::find(std::string_view name_or_id) const {
    auto locked = state_->tables.lock();
    LiveNetwork* live = locked->find(name_or_id);
    if (!live || !live->is_open) return not_found(name_or_id);
    return live->network;
}

std::vector<Network> Manager::list() const {
    std::vector<Network> out;
    auto locked = state_->tables.lock();
    for (const auto& [id, live] : locked->networks) {
        if (live.is_open) out.push_back(live.network);
    }
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return a.spec.name < b.spec.name; });
    return out;
}

std::vector<Endpoint> Manager::endpoints_on(std::string_view network_id) const {
    std::vector<Endpoint> out;
    auto locked = state_->tables.lock();
    for (const Endpoint* endpoint : locked->endpoints_on(network_id)) out.push_back(*endpoint);
    return out;
}

Result<Network> Manager::remove(std::string_view name_or_id) {
    Network network;
    {
        auto locked = state_->tables.lock();
        LiveNetwork* live = locked->find(name_or_id);
        if (!live || !live->is_open) return not_found(name_or_id);
        if (live->network.is_predefined()) {
            return fail(ErrorCode::PermissionDenied, live->network.spec.name,
                        " is a pre-defined network and cannot be removed");
        }
        std::vector<std::string> users;
        for (const Endpoint* endpoint : locked->endpoints_on(live->network.id)) {
            users.push_back(concat("name:\"", endpoint->container_name, "\" id:\"",
                                   endpoint->id.substr(0, 12), '"'));
        }
        if (!users.empty() || live->pending > 0) {
            return fail(ErrorCode::Conflict, "error while removing network: network ",
                        live->network.spec.name, " has active endpoints",
                        users.empty() ? "" : concat(" (", join(users, ", "), ")"));
        }
        live->is_open = false;
        network = live->network;
    }
    auto reopen = [&] { state_->tables.lock()->networks.at(network.id).is_open = true; };
    auto marked = set_network_complete(state_->database, network.id, false);
    if (marked.is_error()) {
        reopen();
        return std::move(marked).error();
    }
    TRY(state_->take_down(network));
    TRY(delete_network(state_->database, network.id));
    state_->tables.lock()->networks.erase(network.id);
    return network;
}

Result<std::vector<Network>> Manager::prune(const std::function<bool(const Network&)>& matches,
                                            std::stop_token stop) {
    std::vector<Network> removed;
    for (const auto& network : list()) {
        if (stop.stop_requested())
            return fail(ErrorCode::Cancelled, "network prune was interrupted");
        if (network.is_predefined() || !matches(network)) continue;
        auto done = remove(network.id);
        if (!done.is_error()) {
            removed.push_back(std::move(*done));
        } else if (!done.error().is(ErrorCode::Conflict) && !done.error().is(ErrorCode::NotFound)) {
            return std::move(done).error();
        }
    }
    return removed;
}

void Manager::on_names_changed(std::function<void(std::span<const std::string>)> listener) {
    state_->listener = std::move(listener);
}

IpAddress Manager::host_gateway() const {
    auto locked = state_->tables.lock();
    LiveNetwork* live = locked->find("bridge");
    BERTH_ASSERT(live != nullptr);
    return *live->network.spec.pools.front().gateway;
}

}  // namespace berth::network
