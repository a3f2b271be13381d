#include "http/server.h"

#include <netdb.h>

#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <thread>

#include "base/guarded.h"
#include "base/log.h"
#include "http/server_connection_internal.h"
#include "sys/inet.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::http {

class Server::Implementation {
public:
    Implementation(Handler handler, ServerOptions options, sys::Epoll epoll, sys::Fd wake,
                   std::unique_ptr<PeerWatch> peers)
        : handler_(std::move(handler)),
          options_(std::move(options)),
          epoll_(std::move(epoll)),
          wake_(std::move(wake)),
          peers_(std::move(peers)) {}

    ~Implementation() { stop({}); }

    Result<> add_listener(sys::Fd listening, std::optional<TlsOptions> tls) {
        Listener listener;
        if (tls) listener.tls = TRY(TlsContext::for_server(*tls));
        TRY(sys::set_nonblocking(listening));
        auto listeners = listeners_.lock();
        const std::uint64_t tag = listeners->size() + 1;
        TRY(epoll_.add(listening, EPOLLIN, tag));
        listener.fd = std::move(listening);
        listeners->emplace(tag, std::move(listener));
        return {};
    }

    Result<> start() {
        accepting_ = std::jthread([this](std::stop_token stop) { accept_loop(stop); });
        return {};
    }

    void stop(std::chrono::milliseconds grace) {
        if (accepting_.joinable()) {
            accepting_.request_stop();
            wake();
            accepting_.join();
        }
        is_stopping_ = true;
        listeners_.lock()->clear();
        interrupt_all(false);
        {
            auto connections = connections_.lock();
            connections.wait_for({}, grace,
                                 [](const Connections& all) { return all.open.empty(); });
        }
        interrupt_all(true);
        auto connections = connections_.lock();
        connections.wait(
            {}, [](const Connections& all) { return all.open.empty() && all.threads == 0; });
    }

    std::size_t active() const { return active_; }

private:
    struct Listener {
        sys::Fd fd;
        std::shared_ptr<TlsContext> tls;
    };
    struct Connections {
        std::map<std::uint64_t, ServerConnection*> open;
        std::size_t threads = 0;
        std::uint64_t last_id = 0;
    };

    void wake() {
        const std::uint64_t one = 1;
        sys::write_all(wake_, std::as_bytes(std::span(&one, 1)))
            .ignore("the counter cannot overflow");
    }

    void interrupt_all(bool hard) {
        std::vector<std::stop_source> requests;
        {
            auto connections = connections_.lock();
            for (auto& [id, connection] : connections->open)
                requests.push_back(connection->interrupt(hard));
        }
        for (auto& request : requests)
            request.request_stop();  // runs callbacks, so without the lock
    }

    void accept_loop(std::stop_token stop) {
        std::array<epoll_event, 16> events;
        while (!stop.stop_requested()) {
            const auto count = epoll_.wait(events);
            if (!count) return;
            for (std::size_t i = 0; i < *count && !stop.stop_requested(); ++i)
                if (events[i].data.u64 != 0) accept_from(events[i].data.u64, stop);
        }
    }

    void accept_from(std::uint64_t tag, const std::stop_token& stop) {
        std::shared_ptr<TlsContext> tls;
        sys::Fd socket;
        {
            auto listeners = listeners_.lock();
            const auto it = listeners->find(tag);
            if (it == listeners->end()) return;
            auto accepted = sys::accept(it->second.fd);
            if (accepted) socket = std::move(accepted).value();
            tls = it->second.tls;
        }
        if (!socket) {
            // Out of descriptors, perhaps: the listener stays readable, so wait a little instead of
            // spinning.
            sys::wait_readable(wake_, std::chrono::milliseconds(20)).ignore("only to slow down");
            return;
        }
        {
            auto connections = connections_.lock();
            const auto has_room = [&](const Connections& all) {
                return all.threads < options_.max_connections;
            };
            if (!connections.wait(stop, has_room)) return;
            ++connections->threads;
        }
        std::thread([this, tls, socket = std::move(socket)]() mutable {
            serve(std::move(socket), tls);
            // Nothing of this object may be touched once the count is down and the lock released.
            auto connections = connections_.lock();
            --connections->threads;
            connections_.notify_all();
        }).detach();
    }

    void serve(sys::Fd socket, const std::shared_ptr<TlsContext>& tls) {
        const std::string peer = sys::peer_address(socket);
        if (peer != "unix") sys::set_no_delay(socket);
        std::unique_ptr<Stream> stream;
        if (tls) {
            auto wrapped = tls->wrap(std::move(socket), {});
            if (!wrapped) {
                log.debug("TLS handshake", {{"peer", peer}, {"error", wrapped.error().message()}});
                return;
            }
            stream = std::move(wrapped).value();
        } else {
            stream = plain_stream(std::move(socket));
        }
        const ConnectionServices services{handler_, options_, *peers_, is_stopping_, active_};
        ServerConnection connection(services, std::move(stream), peer);
        std::uint64_t id = 0;
        {
            auto connections = connections_.lock();
            id = ++connections->last_id;
            connections->open.emplace(id, &connection);
        }
        connection.serve();
        connections_.lock()->open.erase(id);
        connections_.notify_all();
    }

    Handler handler_;
    ServerOptions options_;
    sys::Epoll epoll_;
    sys::Fd wake_;
    std::unique_ptr<PeerWatch> peers_;
    Guarded<std::map<std::uint64_t, Listener>> listeners_;
    Guarded<Connections> connections_;
    std::atomic<bool> is_stopping_ = false;
    std::atomic<std::size_t> active_ = 0;
    std::jthread accepting_;
};

Server::Server(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(Handler handler, ServerOptions options) {
    // A client that went away is an error of write, not a signal: sendfile(2) and OpenSSL cannot be
    // told otherwise.
    std::signal(SIGPIPE, SIG_IGN);
    sys::Epoll epoll = TRY(sys::Epoll::create());
    sys::Fd wake = TRY(sys::make_eventfd());
    TRY(epoll.add(wake, EPOLLIN, 0));
    auto peers = TRY(PeerWatch::create());
    auto implementation =
        std::make_unique<Implementation>(std::move(handler), std::move(options), std::move(epoll),
                                         std::move(wake), std::move(peers));
    return std::unique_ptr<Server>(new Server(std::move(implementation)));
}

Result<> Server::add_listener(sys::Fd listening, std::optional<TlsOptions> tls) {
    return implementation_->add_listener(std::move(listening), std::move(tls));
}

Result<> Server::listen_unix(const std::string& path, unsigned mode, std::int64_t gid) {
    sys::Fd socket = TRY(sys::listen_unix(path, {.mode = mode, .replace = true, .backlog = 1024})
                             .context("listen on ", path));
    if (gid >= 0)
        TRY(sys::chown_at(AT_FDCWD, path, static_cast<uid_t>(-1), static_cast<gid_t>(gid))
                .context("listen on ", path));
    return add_listener(std::move(socket));
}

Result<std::uint16_t> Server::listen_tcp(const std::string& address,
                                         std::optional<TlsOptions> tls) {
    const auto colon = address.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_uint(address.substr(colon + 1));
    if (!port || *port > 65535)
        return fail(ErrorCode::InvalidArgument, "listen on \"", address, "\": expected host:port");
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) host = "::";
    if (host == "localhost") host = "127.0.0.1";
    const auto where = TRY(sys::SocketAddress::parse(host, static_cast<std::uint16_t>(*port))
                               .context("listen on ", address));
    auto socket = sys::listen_tcp(where, 1024);
    if (!socket && host == "::")  // a machine without IPv6
        socket = sys::listen_tcp(
            TRY(sys::SocketAddress::parse("0.0.0.0", static_cast<std::uint16_t>(*port))), 1024);
    sys::Fd listening = TRY(std::move(socket).context("listen on ", address));
    const std::uint16_t bound = TRY(sys::local_port(listening));
    TRY(add_listener(std::move(listening), std::move(tls)));
    return bound;
}

Result<> Server::start() { return implementation_->start(); }
void Server::stop(std::chrono::milliseconds grace) { implementation_->stop(grace); }
std::size_t Server::active_requests() const { return implementation_->active(); }

}  // namespace berth::http
