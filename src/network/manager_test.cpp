#include "network/manager.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "network/playground_test.h"

namespace berth::network {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace {
PortRequest port(std::uint16_t container, std::uint16_t host, std::string address = "0.0.0.0") {
    PortRequest out;
    out.container.number = container;
    out.host_address = IpAddress::parse(address).value();
    out.host_first = out.host_last = host;
    return out;
}

#define ASSERT_OK(expression)                                          \
    do {                                                               \
        const auto& outcome = (expression);                            \
        ASSERT_FALSE(outcome.is_error()) << outcome.error().message(); \
    } while (false)
}  // namespace

TEST_F(Playground, HasThePredefinedNetworksAndNoLinkYet) {
    std::vector<std::string> names;
    for (const auto& network : manager_->list()) names.push_back(network.spec.name);
    EXPECT_EQ(names, (std::vector<std::string>{"bridge", "host", "none"}));
    EXPECT_THAT(host_links(), IsEmpty());
    EXPECT_NE(run("nft list table inet berth >/dev/null 2>&1"), 0);
}

TEST_F(Playground, ConnectsTwoContainersOfOneNetwork) {
    auto a = make_container("a");
    auto b = make_container("b");
    auto first = connect(a);
    ASSERT_OK(first);
    auto second = connect(b);
    ASSERT_OK(second);
    EXPECT_EQ(first->address.to_string(), "172.17.0.2/16");
    EXPECT_EQ(first->mac, "02:42:ac:11:00:02");
    EXPECT_EQ(first->interface, "eth0");
    auto server = serve(b, 80);
    EXPECT_TRUE(can_reach(a.netns, second->address.address.to_string(), 80));
    EXPECT_TRUE(can_reach(host_, second->address.address.to_string(), 80));
}

TEST_F(Playground, PublishesPortsOnLoopbackAndEveryAddress) {
    auto a = make_container("a");
    auto b = make_container("b");
    ASSERT_OK(connect(a, {.ports = {port(80, 8080), port(81, 8081, "127.0.0.1")}}));
    ASSERT_OK(connect(b));
    auto server = serve(a, 80);
    auto other = serve(a, 81);
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8080));
    EXPECT_TRUE(can_reach(host_, "172.17.0.1", 8080));
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8081));
    EXPECT_TRUE(is_blocked(host_, "172.17.0.1", 8081));
    // Hairpin: from a neighbour, and from the container itself.
    EXPECT_TRUE(can_reach(b.netns, "172.17.0.1", 8080));
    EXPECT_TRUE(can_reach(a.netns, "172.17.0.1", 8080));
    // route_localnet opens no way to the host's loopback.
    EXPECT_TRUE(is_blocked(b.netns, "127.0.0.1", 8081));
    ASSERT_OK(manager_->release(a.id));
    EXPECT_TRUE(is_blocked(host_, "127.0.0.1", 8080));
}

TEST_F(Playground, OpensTheOutsideItsPublishedPortsAndNothingElse) {
    auto neighbour = make_neighbour();
    ASSERT_OK(manager_->create({.name = "inner", .internal = true}));
    auto a = make_container("a");
    auto b = make_container("b");
    auto open = connect(a, {.ports = {port(80, 8080), port(81, 8081, "127.0.0.1")}});
    ASSERT_OK(open);
    auto closed = connect(b, {.network = "inner"});
    ASSERT_OK(closed);
    auto server = serve(a, 80);
    auto local = serve(a, 81);
    auto hidden = serve(b, 80);
    auto world = serve(neighbour, 443);
    EXPECT_TRUE(can_reach(neighbour.netns, "198.51.100.1", 8080));
    EXPECT_TRUE(is_blocked(neighbour.netns, "198.51.100.1", 8081));
    // Not even by who knows the container's address and routes to it.
    EXPECT_TRUE(is_blocked(neighbour.netns, open->address.address.to_string(), 80));
    EXPECT_TRUE(is_blocked(neighbour.netns, closed->address.address.to_string(), 80));
    // The way out: with the host's address, and only from networks that have one.
    EXPECT_TRUE(can_reach(a.netns, "198.51.100.2", 443));
    EXPECT_TRUE(is_blocked(b.netns, "198.51.100.2", 443));
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    sys::Fd accepted(
        ::accept4(world.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    EXPECT_EQ(ntohl(peer.sin_addr.s_addr),
              static_cast<std::uint32_t>(IpAddress::parse("198.51.100.1")->number()));
}

TEST_F(Playground, KeepsNetworksApartAndInternalOnesIn) {
    ASSERT_OK(manager_->create({.name = "front"}));
    ASSERT_OK(manager_->create({.name = "back", .internal = true}));
    auto a = make_container("a");
    auto b = make_container("b");
    ASSERT_OK(connect(a, {.network = "front"}));
    auto inside = connect(b, {.network = "back"});
    ASSERT_OK(inside);
    EXPECT_FALSE(inside->default_route);
    auto server = serve(b, 80);
    EXPECT_TRUE(is_blocked(a.netns, inside->address.address.to_string(), 80));
    ASSERT_OK(connect(a, {.network = "back"}));
    EXPECT_TRUE(can_reach(a.netns, inside->address.address.to_string(), 80));
    EXPECT_EQ(manager_->endpoints_of(a.id).front().network_name, "front");
}

TEST_F(Playground, RefusesATakenPortInDockersWords) {
    auto a = make_container("a");
    auto b = make_container("b");
    ASSERT_OK(connect(a, {.ports = {port(80, 8080)}}));
    auto taken = connect(b, {.ports = {port(80, 8080)}});
    ASSERT_TRUE(taken.is_error());
    EXPECT_THAT(taken.error().message(),
                HasSubstr("driver failed programming external connectivity on endpoint b ("));
    EXPECT_THAT(taken.error().message(),
                HasSubstr("Bind for 0.0.0.0:8080 failed: port is already allocated"));
    // A program of the host.
    sys::Fd program(::socket(AF_INET, SOCK_STREAM, 0));
    auto address = address_of("127.0.0.1", 9000);
    ASSERT_EQ(::bind(program.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(program.get(), 1), 0);
    taken = connect(b, {.ports = {port(80, 9000)}});
    ASSERT_TRUE(taken.is_error());
    EXPECT_THAT(taken.error().message(), HasSubstr("address already in use"));
    // Nothing stayed behind: the address, the link and the name are free.
    EXPECT_EQ(host_links().size(), 2u);
    ASSERT_OK(connect(b));
    // And the other way round: a published port is taken for the host's programs.
    auto published = address_of("0.0.0.0", 8080);
    sys::Fd late(::socket(AF_INET, SOCK_STREAM, 0));
    int on = 1;
    ::setsockopt(late.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    EXPECT_TRUE(::bind(late.get(), reinterpret_cast<sockaddr*>(&published), sizeof(published)) !=
                    0 ||
                ::listen(late.get(), 1) != 0);
}

TEST_F(Playground, ChoosesFreePortsAndRanges) {
    auto a = make_container("a");
    PortRequest any = port(80, 0);
    PortRequest range = port(81, 7000);
    range.host_last = 7001;
    auto first = connect(a, {.ports = {any, range}});
    ASSERT_OK(first);
    EXPECT_GE(first->ports[0].host_port, 1024);
    EXPECT_EQ(first->ports[1].host_port, 7000);
    auto b = make_container("b");
    auto second = connect(b, {.ports = {any, range}});
    ASSERT_OK(second);
    EXPECT_NE(first->ports[0].host_port, second->ports[0].host_port);
    EXPECT_EQ(second->ports[1].host_port, 7001);
    auto c = make_container("c");
    auto third = connect(c, {.ports = {range}});
    ASSERT_TRUE(third.is_error());
    EXPECT_THAT(third.error().message(), HasSubstr("port is already allocated"));
}

TEST_F(Playground, PublishesUdp) {
    auto a = make_container("a");
    PortRequest dns = port(53, 5300);
    dns.container.protocol = Protocol::Udp;
    ASSERT_OK(connect(a, {.ports = {dns}}));
    auto server = serve(a, 53, SOCK_DGRAM);
    sys::Fd client(::socket(AF_INET, SOCK_DGRAM, 0));
    auto address = address_of("127.0.0.1", 5300);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::send(client.get(), "ping", 4, 0), 4);
    pollfd waiter{server.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiter, 1, 1000), 1);
    char buffer[16];
    sockaddr_in from{};
    socklen_t size = sizeof(from);
    ASSERT_EQ(::recvfrom(server.get(), buffer, sizeof(buffer), 0,
                         reinterpret_cast<sockaddr*>(&from), &size),
              4);
    ASSERT_EQ(::sendto(server.get(), "pong", 4, 0, reinterpret_cast<sockaddr*>(&from), size), 4);
    waiter = {client.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiter, 1, 1000), 1);
}

TEST_F(Playground, LetsUdpClientsFollowAPortToItsNewContainer) {
    PortRequest dns = port(53, 5300);
    dns.container.protocol = Protocol::Udp;
    sys::Fd client(::socket(AF_INET, SOCK_DGRAM, 0));
    auto address = address_of("127.0.0.1", 5300);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    // Nobody is there yet, but the kernel remembers the flow.
    (void)::send(client.get(), "ping", 4, 0);
    for (const char* name : {"first", "second"}) {
        auto container = make_container(name);
        auto endpoint = connect(container, {.ports = {dns}});
        ASSERT_OK(endpoint);
        auto server = serve(container, 53, SOCK_DGRAM);
        (void)::send(client.get(), "ping", 4, 0);  // may report the refusal of an earlier datagram
        (void)::send(client.get(), "ping", 4, 0);
        pollfd waiter{server.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&waiter, 1, 2000), 1) << name;
        ASSERT_OK(manager_->release(container.id));
    }
}

TEST_F(Playground, LeavesNothingBehindWhenItEndsWithoutContainers) {
    auto a = make_container("a");
    ASSERT_OK(connect(a, {.ports = {port(80, 8080)}}));
    manager_.reset();
    EXPECT_EQ(host_links().size(), 2u);
    open_manager();
    ASSERT_OK(manager_->release(a.id));
    a = {};
    manager_.reset();
    for (int round = 0; round < 1000 && !host_links().empty(); ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_THAT(host_links(), IsEmpty());
    EXPECT_NE(run("nft list table inet berth >/dev/null 2>&1"), 0);
}

TEST_F(Playground, AnswersNamesToEveryoneOnANetwork) {
    std::vector<std::string> told;
    manager_->on_names_changed(
        [&](std::span<const std::string> ids) { told.assign(ids.begin(), ids.end()); });
    ASSERT_OK(manager_->create({.name = "front"}));
    auto a = make_container("a");
    auto b = make_container("b");
    ASSERT_OK(connect(a, {.network = "front"}));
    auto second = connect(b, {.network = "front", .aliases = {"db"}});
    ASSERT_OK(second);
    EXPECT_EQ(told, (std::vector<std::string>{a.id, b.id}));
    auto table = manager_->names_for(a.id);
    EXPECT_THAT(table.forward, Contains(Name{"db", second->address.address}));
    EXPECT_THAT(table.forward, Contains(Name{"b.front", second->address.address}));
    EXPECT_THAT(table.reverse, Contains(Name{"b.front", second->address.address}));
    ASSERT_OK(manager_->rename(b.id, "c"));
    EXPECT_THAT(manager_->names_for(a.id).forward, Contains(Name{"c", second->address.address}));
    ASSERT_OK(manager_->release(b.id));
    EXPECT_EQ(told, (std::vector<std::string>{a.id}));
    EXPECT_THAT(manager_->names_for(a.id).forward,
                Not(Contains(Name{"db", second->address.address})));
    // The default bridge answers nothing, as in Docker.
    auto c = make_container("c2");
    ASSERT_OK(connect(c));
    EXPECT_THAT(manager_->names_for(c.id).forward, IsEmpty());
}

TEST_F(Playground, MovesTheDefaultRouteOnDisconnect) {
    ASSERT_OK(manager_->create({.name = "front"}));
    auto a = make_container("a");
    ASSERT_OK(connect(a));
    ASSERT_OK(connect(a, {.network = "front"}));
    ASSERT_OK(manager_->disconnect(a.id, "bridge", a.netlink));
    auto endpoints = manager_->endpoints_of(a.id);
    ASSERT_EQ(endpoints.size(), 1u);
    EXPECT_TRUE(endpoints[0].default_route);
    EXPECT_EQ(endpoints[0].interface, "eth1");
    auto inside = sys::NetlinkSocket::borrow(a.netlink);
    bool has_default = false;
    const auto routes = sys::list_routes(inside);
    ASSERT_OK(routes);
    for (const auto& route : *routes) has_default |= route.prefix_length == 0;
    EXPECT_TRUE(has_default);
}

TEST_F(Playground, RefusesToRemoveANetworkInUse) {
    ASSERT_OK(manager_->create({.name = "front"}));
    auto a = make_container("a");
    ASSERT_OK(connect(a, {.network = "front"}));
    auto removed = manager_->remove("front");
    ASSERT_TRUE(removed.is_error());
    EXPECT_THAT(removed.error().message(),
                HasSubstr("network front has active endpoints (name:\"a\""));
    ASSERT_OK(manager_->release(a.id));
    ASSERT_OK(manager_->remove("front"));
    // This container's namespace lives on, so its link is deleted after a while.
    for (int round = 0; round < 1000 && !host_links().empty(); ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_THAT(host_links(), IsEmpty());
    EXPECT_EQ(manager_->remove("bridge").error().code(), ErrorCode::PermissionDenied);
    EXPECT_EQ(manager_->remove("nope").error().message(), "network nope not found");
}

TEST_F(Playground, ValidatesWhatCreatorsAskFor) {
    auto with = [](std::string subnet) {
        NetworkSpec spec{.name = "x"};
        Pool pool;
        pool.subnet = Prefix::parse(subnet).value();
        spec.pools.push_back(pool);
        return spec;
    };
    EXPECT_EQ(manager_->create({.name = "bridge"}).error().code(), ErrorCode::PermissionDenied);
    EXPECT_EQ(manager_->create({.name = "a/b"}).error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(manager_->create({.name = "x", .driver = "overlay"}).error().code(),
              ErrorCode::NotFound);
    EXPECT_EQ(manager_->create(with("172.17.5.0/24")).error().code(), ErrorCode::Conflict);
    ASSERT_OK(manager_->create(with("10.9.0.0/24")));
    EXPECT_EQ(manager_->create(with("10.10.0.0/24")).error().code(), ErrorCode::AlreadyExists);
    auto a = make_container("a");
    auto fixed = connect(a, {.network = "x", .address = IpAddress::parse("10.9.0.77").value()});
    ASSERT_OK(fixed);
    EXPECT_EQ(fixed->address.to_string(), "10.9.0.77/24");
    auto b = make_container("b");
    auto same = connect(b, {.network = "x", .address = IpAddress::parse("10.9.0.77").value()});
    ASSERT_TRUE(same.is_error());
    EXPECT_THAT(same.error().message(), HasSubstr("Address already in use"));
}

TEST_F(Playground, SurvivesARestartAndAFlushedRuleset) {
    ASSERT_OK(manager_->create({.name = "inner", .internal = true}));
    ASSERT_OK(manager_->create({.name = "front"}));
    auto a = make_container("a");
    auto b = make_container("b");
    ASSERT_OK(
        connect(a, {.network = "front", .ports = {port(80, 8080), port(81, 8082, "127.0.0.1")}}));
    ASSERT_OK(connect(b, {.network = "front"}));
    auto server = serve(a, 80);
    manager_.reset();
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8080));
    open_manager();
    std::vector<std::string> live = {a.id, b.id};
    auto repairs = manager_->reconcile(live);
    ASSERT_OK(repairs);
    EXPECT_THAT(*repairs, IsEmpty());
    ASSERT_EQ(run("nft flush ruleset"), 0);
    EXPECT_TRUE(is_blocked(host_, "127.0.0.1", 8080));
    repairs = manager_->reconcile(live);
    ASSERT_OK(repairs);
    EXPECT_THAT(*repairs, Contains(HasSubstr("missing")));
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8080));
    // The table from the text is the one that the elements make.
    repairs = manager_->reconcile(live);
    ASSERT_OK(repairs);
    EXPECT_THAT(*repairs, IsEmpty());
    // A port published while the table is gone brings everything back.
    ASSERT_EQ(run("nft flush ruleset"), 0);
    auto c = make_container("c");
    ASSERT_OK(connect(c, {.ports = {port(80, 8081)}}));
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8080));
    // b and c ended while nobody watched.
    live = {a.id};
    repairs = manager_->reconcile(live);
    ASSERT_OK(repairs);
    EXPECT_THAT(*repairs, Contains(HasSubstr("released endpoints of container b")));
    EXPECT_EQ(manager_->list().size(), 5u);
    ASSERT_OK(manager_->release(a.id));
    ASSERT_OK(manager_->remove("front"));
    ASSERT_OK(manager_->remove("inner"));
    ASSERT_OK(manager_->reconcile({}));
    EXPECT_NE(run("nft list table inet berth >/dev/null 2>&1"), 0);
}

TEST_F(Playground, PutsFlushedRulesBackByItself) {
    auto a = make_container("a");
    ASSERT_OK(connect(a, {.ports = {port(80, 8080)}}));
    auto server = serve(a, 80);
    std::jthread guard([&](std::stop_token stop) { manager_->guard_rules(stop); });
    // Twice: before the guard listens for sure, and while it does.
    for (int flush = 0; flush < 2; ++flush) {
        ASSERT_EQ(run("nft flush ruleset"), 0);
        bool back = false;
        for (int round = 0; round < 1000 && !back; ++round) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            back = run("nft list table inet berth >/dev/null 2>&1") == 0;
        }
        EXPECT_TRUE(back);
    }
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8080));
}

TEST_F(Playground, SweepsLinksThatNobodyOwns) {
    auto a = make_container("a");
    ASSERT_OK(connect(a));
    manager_.reset();
    ASSERT_OK(database_->execute("DELETE FROM network_endpoint"));
    open_manager();
    auto repairs = manager_->reconcile({});
    ASSERT_OK(repairs);
    EXPECT_THAT(*repairs, Contains(HasSubstr("removed stale link veth")));
}

TEST_F(Playground, ConnectsAndReleasesManyAtOnce) {
    constexpr int threads = 4;
    constexpr int each = 8;
    std::vector<FakeContainer> containers;
    for (int i = 0; i < threads * each; ++i)
        containers.push_back(make_container("c" + std::to_string(i) + "-"));
    std::atomic<int> failures = 0;
    auto in_threads = [&](auto body) {
        std::vector<std::jthread> workers;
        for (int thread = 0; thread < threads; ++thread) {
            workers.emplace_back([&, thread] {
                for (int i = 0; i < each; ++i) {
                    auto outcome = body(containers[static_cast<std::size_t>(thread * each + i)]);
                    if (outcome.is_error()) ++failures;
                }
            });
        }
    };
    std::jthread guard([&](std::stop_token stop) { manager_->guard_rules(stop); });
    in_threads([&](const FakeContainer& c) { return connect(c, {.ports = {port(80, 0)}}); });
    EXPECT_EQ(failures, 0);
    auto bridge = manager_->find("bridge");
    std::set<std::string> addresses;
    for (const auto& endpoint : manager_->endpoints_on(bridge->id))
        addresses.insert(endpoint.address.to_string());
    EXPECT_EQ(addresses.size(), static_cast<std::size_t>(threads * each));
    in_threads([&](const FakeContainer& c) { return manager_->release(c.id); });
    EXPECT_EQ(failures, 0);
    EXPECT_THAT(manager_->endpoints_on(bridge->id), IsEmpty());
    EXPECT_NE(run("nft list map inet berth published_any | grep -q elements"), 0);
    containers.clear();
}

TEST_F(Playground, GivesIpv6WhenAsked) {
    ASSERT_OK(manager_->create({.name = "six", .enable_ipv6 = true}));
    auto a = make_container("a");
    auto endpoint = connect(a, {.network = "six"});
    ASSERT_OK(endpoint);
    ASSERT_TRUE(endpoint->address_v6.has_value());
    EXPECT_THAT(endpoint->address_v6->to_string(), HasSubstr("::2/64"));
}

TEST_F(Playground, PublishesOnBothFamiliesWhenNoAddressIsNamed) {
    ASSERT_OK(manager_->create({.name = "six", .enable_ipv6 = true}));
    auto a = make_container("a");
    const auto everywhere = PortRequest::parse("80/tcp", "", "8088").value();
    auto endpoint = connect(a, {.network = "six", .ports = {everywhere}});
    ASSERT_OK(endpoint);
    ASSERT_EQ(endpoint->ports.size(), 2u);
    EXPECT_EQ(endpoint->ports[0].host_text(), "0.0.0.0:8088");
    EXPECT_EQ(endpoint->ports[1].host_text(), "[::]:8088");
    auto server = serve(a, 80);
    EXPECT_TRUE(can_reach(host_, "127.0.0.1", 8088));
    // A second one takes neither, nor keeps a half of it.
    auto b = make_container("b");
    auto refused = connect(b, {.network = "six", .ports = {everywhere}});
    ASSERT_TRUE(refused.is_error());
    EXPECT_THAT(refused.error().message(), HasSubstr("port is already allocated"));
    ASSERT_OK(manager_->release(a.id));
    ASSERT_OK(connect(b, {.network = "six", .ports = {everywhere}}));
    auto c = make_container("c");
    auto named = connect(c, {.network = "six", .ports = {port(81, 8089)}});
    ASSERT_OK(named);
    EXPECT_EQ(named->ports.size(), 1u) << "0.0.0.0 means IPv4 only";
}

TEST_F(Playground, DISABLED_MeasureConnect) {
    ASSERT_OK(connect(make_container("warm")));
    constexpr int rounds = 50;
    std::vector<FakeContainer> containers;
    for (int i = 0; i < rounds; ++i)
        containers.push_back(make_container("m" + std::to_string(i) + "-"));
    auto time = [](auto body) {
        auto start = std::chrono::steady_clock::now();
        body();
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                   .count() /
               rounds;
    };
    double plain = time([&] {
        for (auto& c : containers) ASSERT_OK(connect(c));
    });
    double release = time([&] {
        for (auto& c : containers) ASSERT_OK(manager_->release(c.id));
    });
    containers.clear();
    for (int i = 0; i < rounds; ++i)
        containers.push_back(make_container("n" + std::to_string(i) + "-"));
    double ports = time([&] {
        for (auto& c : containers) ASSERT_OK(connect(c, {.ports = {port(80, 0)}}));
    });
    std::printf("connect %.3f ms, release %.3f ms, connect with a port %.3f ms\n", plain, release,
                ports);
}

}  // namespace berth::network
