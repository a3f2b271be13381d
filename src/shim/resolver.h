#pragma once
#include <list>
#include <memory>

#include "shim/event_loop.h"
#include "shim/name_table.h"
#include "sys/inet.h"

namespace berth::shim {

/// The address every container finds its resolver at.
inline constexpr char resolver_address[] = "127.0.0.11";

/// The container's DNS server: answers what its table knows, hands everything else to the host's
/// resolvers. The sockets were opened in the container's network namespace, the questions to the
/// host's resolvers leave from the host's. Queries and answers are hostile bytes; what is pending
/// is bounded in number and in time.
class Resolver {
public:
    Resolver(EventLoop& loop, sys::Fd udp, sys::Fd tcp);
    ~Resolver();
    Result<> start();
    void set_names(const Names& names) { names_ = NameTable(names); }

private:
    struct Forwarded;
    struct Conversation;
    void on_datagram();
    void forward(std::span<const std::byte> query, const DnsQuestion& question,
                 const sys::SocketAddress& client);
    bool ask_next_server(Forwarded& forwarded);
    void on_answer(Forwarded& forwarded);
    void on_timeout(Forwarded& forwarded);
    void give_up(Forwarded& forwarded);
    void drop(Forwarded& forwarded);

    void on_connection();
    void on_client_ready(Conversation& conversation);
    void on_query(Conversation& conversation);
    void on_server_ready(Conversation& conversation, std::uint32_t events);
    void send_reply(Conversation& conversation, std::string_view message);
    void drop(Conversation& conversation);

    EventLoop& loop_;
    sys::Fd udp_, tcp_;
    EventLoop::Id udp_watch_ = 0, tcp_watch_ = 0;
    NameTable names_;
    std::list<Forwarded> forwarded_;
    std::list<Conversation> conversations_;
};

}  // namespace berth::shim
