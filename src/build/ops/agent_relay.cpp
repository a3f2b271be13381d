#include "build/ops/agent_relay.h"

#include <fcntl.h>
#include <array>

#include "sys/dir.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::build {
namespace {
constexpr std::size_t max_connections = 64;
}

Result<std::unique_ptr<AgentRelay>> AgentRelay::open(Options options) {
    // A dead agent is better told now than as a riddle of ssh's.
    TRY(sys::connect_unix(options.agent).context("ssh agent ", options.agent));
    auto listener = TRY(sys::listen_unix(options.path, {.mode = options.mode}));
    TRY(sys::chown_at(AT_FDCWD, options.path, options.uid, options.gid));
    return std::unique_ptr<AgentRelay>(new AgentRelay(std::move(options), std::move(listener)));
}

AgentRelay::AgentRelay(Options options, sys::Fd listener)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      acceptor_([this] { accept_all(); }) {}

AgentRelay::~AgentRelay() {
    sys::shutdown_both(listener_);
    acceptor_.join();
    for (auto& connection : connections_) {
        sys::shutdown_both(connection.client);
        sys::shutdown_both(connection.agent);
    }
}

void AgentRelay::accept_all() {
    for (;;) {
        auto client = sys::accept(listener_);
        if (client.is_error()) return;  // shut down
        connections_.remove_if(
            [](const Connection& connection) { return connection.running == 0; });
        if (connections_.size() >= max_connections) continue;
        auto agent = sys::connect_unix(options_.agent);
        if (agent.is_error()) continue;  // the client sees its connection end
        auto& connection = connections_.emplace_back();
        connection.client = std::move(*client);
        connection.agent = std::move(*agent);
        connection.up =
            std::jthread([&] { pump(connection, connection.client, connection.agent); });
        connection.down =
            std::jthread([&] { pump(connection, connection.agent, connection.client); });
    }
}

void AgentRelay::pump(Connection& connection, sys::BorrowedFd from, sys::BorrowedFd to) {
    std::array<std::byte, 16384> buffer;
    for (;;) {
        const auto received = sys::receive_message(from, buffer);
        if (received.is_error() || received->size == 0) break;
        if (sys::send_message(to, std::span<const std::byte>(buffer).first(received->size))
                .is_error())
            break;
    }
    sys::shutdown_both(connection.client);
    sys::shutdown_both(connection.agent);
    --connection.running;
}

}  // namespace berth::build
