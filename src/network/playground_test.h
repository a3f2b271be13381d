#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "network/manager.h"
#include "record/database.h"
#include "sys/fd.h"
#include "sys/netlink_route.h"

namespace berth::network {

/// A network namespace of its own, standing for a container, with what its shim hands over.
struct FakeContainer {
    std::string id;
    std::string name;
    sys::Fd netns;
    sys::Fd netlink;
};

/// Tests of the real kernel without root: a user namespace owns a network namespace that stands for
/// the host. Skipped where user namespaces are switched off.
class Playground : public ::testing::Test {
protected:
    static bool enter() {
        static const bool entered = [] {
            uid_t uid = ::getuid();
            gid_t gid = ::getgid();
            if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
            std::ofstream("/proc/self/setgroups") << "deny";
            std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
            std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
            return true;
        }();
        return entered;
    }

    void SetUp() override {
        if (!enter()) GTEST_SKIP() << "no user namespaces here";
        // Each test has a host of its own.
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        host_ = sys::Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        auto socket = sys::NetlinkSocket::open(NETLINK_ROUTE);
        ASSERT_FALSE(socket.is_error());
        sys::NetlinkBatch batch;
        sys::change_link(batch, {.index = 1, .name = {}}, {.up = true});
        ASSERT_FALSE(socket->transact(batch).is_error());
        auto schemas = std::vector<record::Schema>{schema()};
        auto database = record::Database::open_in_memory(schemas);
        ASSERT_FALSE(database.is_error());
        database_ = std::move(*database);
        open_manager();
    }

    void open_manager(Manager::Options options = {}) {
        manager_.reset();
        auto manager = Manager::open(*database_, std::move(options));
        ASSERT_FALSE(manager.is_error()) << manager.error().message();
        manager_ = std::move(*manager);
    }

    void enter_netns(const sys::Fd& netns) { ASSERT_EQ(::setns(netns.get(), CLONE_NEWNET), 0); }

    FakeContainer make_container(std::string name) {
        FakeContainer out;
        out.id = name;
        out.id.resize(64, '0');
        out.name = std::move(name);
        EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
        out.netns = sys::Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        out.netlink = sys::Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
        enter_netns(host_);
        return out;
    }

    Result<Endpoint> connect(const FakeContainer& container, EndpointRequest request = {}) {
        if (request.network.empty()) request.network = "bridge";
        request.container_id = container.id;
        request.container_name = container.name;
        return manager_->connect(request, container.netns, container.netlink);
    }

    /// A machine outside: the host is 198.51.100.1 to it, it is 198.51.100.2 to the host, and it
    /// routes the containers' subnets through the host, as an attacker on the same wire may.
    FakeContainer make_neighbour() {
        FakeContainer out = make_container("neighbour");
        auto host = sys::NetlinkSocket::open(NETLINK_ROUTE).value();
        auto there = sys::NetlinkSocket::borrow(out.netlink);
        sys::NetlinkBatch pair;
        sys::add_veth(pair, {.name = "wire", .peer_name = "wire", .peer_netns = out.netns});
        EXPECT_FALSE(host.transact(pair).is_error());
        const auto here = IpAddress::parse("198.51.100.1")->bytes();
        configure(host, here);
        configure(there, IpAddress::parse("198.51.100.2")->bytes());
        sys::NetlinkBatch route;
        std::uint32_t link = sys::find_link(there, {.index = 0, .name = "wire"})->index;
        auto containers = *Prefix::parse("172.16.0.0/12");
        sys::replace_route(route, {link, containers.address.bytes(), containers.length, here});
        EXPECT_FALSE(there.transact(route).is_error());
        return out;
    }

    static void configure(sys::NetlinkSocket& socket, const std::string& address) {
        std::uint32_t link = sys::find_link(socket, {.index = 0, .name = "wire"})->index;
        sys::NetlinkBatch batch;
        sys::add_address(batch,
                         {.link = link, .address = address, .prefix_length = 24, .broadcast = {}});
        sys::change_link(batch, {.index = link, .name = {}}, {.up = true});
        sys::change_link(batch, {.index = 1, .name = {}}, {.up = true});
        EXPECT_FALSE(socket.transact(batch).is_error());
    }

    static sockaddr_in address_of(const std::string& text, std::uint16_t port) {
        sockaddr_in out{};
        out.sin_family = AF_INET;
        out.sin_port = htons(port);
        ::inet_pton(AF_INET, text.c_str(), &out.sin_addr);
        return out;
    }

    /// A listening (or, for UDP, bound) socket in a container.
    sys::Fd serve(const FakeContainer& container, std::uint16_t port, int type = SOCK_STREAM) {
        enter_netns(container.netns);
        sys::Fd server(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
        auto address = address_of("0.0.0.0", port);
        EXPECT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        if (type == SOCK_STREAM) {
            EXPECT_EQ(::listen(server.get(), 8), 0);
        }
        enter_netns(host_);
        return server;
    }

    /// Whether a TCP connection from a namespace comes about, with time for a lost packet or a busy
    /// machine.
    bool can_reach(const sys::Fd& from, const std::string& address_text, std::uint16_t port) {
        return connects(from, address_text, port, 5000);
    }
    /// Whether it is refused, or nothing comes of it for a while.
    bool is_blocked(const sys::Fd& from, const std::string& address_text, std::uint16_t port) {
        return !connects(from, address_text, port, 300);
    }

    bool connects(const sys::Fd& from, const std::string& address_text, std::uint16_t port,
                  int limit_ms) {
        enter_netns(from);
        sys::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        enter_netns(host_);
        auto address = address_of(address_text, port);
        if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
            return true;
        if (errno != EINPROGRESS) return false;
        pollfd waiter{client.get(), POLLOUT, 0};
        if (::poll(&waiter, 1, limit_ms) <= 0) return false;
        int error = 0;
        socklen_t size = sizeof(error);
        ::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        return error == 0;
    }

    std::vector<std::string> host_links() {
        std::vector<std::string> out;
        auto socket = sys::NetlinkSocket::open(NETLINK_ROUTE);
        const auto links = sys::list_links(*socket);
        for (const auto& link : *links) {
            if (link.kind == "veth" || link.kind == "bridge") out.push_back(link.name);
        }
        return out;
    }

    /// Carries out a shell command in the host's namespace; for what only other programs do (nft
    /// flush ruleset).
    static int run(const std::string& command) { return std::system(command.c_str()); }

    sys::Fd host_;
    std::unique_ptr<record::Database> database_;
    std::unique_ptr<Manager> manager_;
};

}  // namespace berth::network
