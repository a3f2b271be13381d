#include "shim/resolver.h"

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::shim {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t max_datagram = 4096;
constexpr std::size_t max_plain_datagram = 512;  // RFC 1035 4.2.1
constexpr std::size_t max_forwarded = 128;
constexpr std::size_t max_conversations = 16;
constexpr std::size_t max_tcp_query = 4096;
constexpr auto server_patience = 3s;
constexpr auto conversation_patience = 15s;
constexpr std::size_t rounds = 2;

std::span<const std::byte> bytes_of(const std::string& text) { return as_bytes(text); }

void set_id(std::string& message, std::uint16_t id) {
    message[0] = static_cast<char>(id >> 8);
    message[1] = static_cast<char>(id);
}

std::uint16_t random_id() {
    const auto bytes = from_hex(random_hex(2));
    return static_cast<std::uint16_t>(std::to_integer<unsigned>((*bytes)[0]) << 8 |
                                      std::to_integer<unsigned>((*bytes)[1]));
}

std::string failure(const std::string& query, const DnsQuestion& question) {
    return make_dns_response(bytes_of(query), question, {.code = DnsCode::ServerFailure},
                             max_plain_datagram);
}

}  // namespace

/// A query on its way to a server of the host.
struct Resolver::Forwarded {
    std::string query;
    DnsQuestion question;
    sys::SocketAddress client;
    std::uint16_t id = 0;  // ours, not to be guessed by who would forge an answer
    std::size_t attempts = 0;
    sys::Fd socket;
    EventLoop::Id watch = 0, timer = 0;
};

/// A TCP connection of a client, and of ours to a server while its query is there.
struct Resolver::Conversation {
    sys::Fd client, server;
    EventLoop::Id client_watch = 0, server_watch = 0, timer = 0;
    std::string input;  // of the client
    std::string to_server, from_server;
    std::size_t attempts = 0;
};

Resolver::Resolver(EventLoop& loop, sys::Fd udp, sys::Fd tcp)
    : loop_(loop), udp_(std::move(udp)), tcp_(std::move(tcp)) {}

Resolver::~Resolver() {
    while (!forwarded_.empty()) drop(forwarded_.front());
    while (!conversations_.empty()) drop(conversations_.front());
    loop_.remove(udp_watch_);
    loop_.remove(tcp_watch_);
}

Result<> Resolver::start() {
    udp_watch_ = TRY(loop_.add(udp_, EPOLLIN, [this](std::uint32_t) { on_datagram(); }));
    tcp_watch_ = TRY(loop_.add(tcp_, EPOLLIN, [this](std::uint32_t) { on_connection(); }));
    return {};
}

void Resolver::on_datagram() {
    std::array<std::byte, max_datagram> buffer;
    const auto datagram = sys::receive_datagram(udp_, buffer);
    if (!datagram) return;
    const std::span<const std::byte> query(buffer.data(), datagram->size);
    const auto question = parse_dns_query(query);
    if (!question) return;
    if (const auto answer = names_.answer(*question)) {
        sys::send_datagram(
            udp_, as_bytes(make_dns_response(query, *question, *answer, max_plain_datagram)),
            datagram->from);
    } else {
        forward(query, *question, datagram->from);
    }
}

void Resolver::forward(std::span<const std::byte> query, const DnsQuestion& question,
                       const sys::SocketAddress& client) {
    if (forwarded_.size() >= max_forwarded) drop(forwarded_.front());
    Forwarded& forwarded = forwarded_.emplace_back();
    forwarded.query = as_text(query);
    forwarded.question = question;
    forwarded.client = client;
    forwarded.id = random_id();
    set_id(forwarded.query, forwarded.id);
    if (!ask_next_server(forwarded)) give_up(forwarded);
}

bool Resolver::ask_next_server(Forwarded& forwarded) {
    const std::vector<std::string>& servers = names_.servers();
    while (forwarded.attempts < servers.size() * rounds) {
        const auto address =
            sys::SocketAddress::parse(servers[forwarded.attempts++ % servers.size()], 53);
        if (!address) continue;
        auto socket = sys::connect_udp(*address);
        if (!socket) continue;
        if (sys::send_some(*socket, bytes_of(forwarded.query)).bytes == 0) continue;
        loop_.remove(forwarded.watch);
        forwarded.socket = std::move(*socket);
        auto watch = loop_.add(forwarded.socket, EPOLLIN,
                               [this, &forwarded](std::uint32_t) { on_answer(forwarded); });
        if (!watch) return false;
        forwarded.watch = *watch;
        forwarded.timer =
            loop_.after(server_patience, [this, &forwarded] { on_timeout(forwarded); });
        return true;
    }
    return false;
}

void Resolver::on_answer(Forwarded& forwarded) {
    std::array<std::byte, max_datagram> buffer;
    const sys::Transfer got = sys::receive_some(forwarded.socket, buffer);
    if (got.blocked) return;
    if (got.bytes == 0) {  // the server's host refused it
        loop_.cancel(forwarded.timer);
        on_timeout(forwarded);
        return;
    }
    std::string answer(as_text(std::span<const std::byte>(buffer.data(), got.bytes)));
    const std::size_t question_end = forwarded.question.end;
    const bool has_our_id = answer.size() >= 12 && answer.compare(0, 2, forwarded.query, 0, 2) == 0;
    const bool is_answer = has_our_id && (answer[2] & 0x80) != 0;
    if (!is_answer || answer.size() < question_end) return;
    set_id(answer, forwarded.question.id);
    sys::send_datagram(udp_, bytes_of(answer), forwarded.client);
    drop(forwarded);
}

void Resolver::on_timeout(Forwarded& forwarded) {
    forwarded.timer = 0;
    if (!ask_next_server(forwarded)) give_up(forwarded);
}

void Resolver::give_up(Forwarded& forwarded) {
    sys::send_datagram(udp_, as_bytes(failure(forwarded.query, forwarded.question)),
                       forwarded.client);
    drop(forwarded);
}

void Resolver::drop(Forwarded& forwarded) {
    loop_.remove(forwarded.watch);
    loop_.cancel(forwarded.timer);
    forwarded_.remove_if([&](const Forwarded& other) { return &other == &forwarded; });
}

void Resolver::on_connection() {
    auto client = sys::accept(tcp_);
    if (!client) return;
    if (conversations_.size() >= max_conversations) drop(conversations_.front());
    Conversation& conversation = conversations_.emplace_back();
    conversation.client = std::move(*client);
    sys::set_nonblocking(conversation.client)
        .ignore("reads and writes are told not to wait anyway");
    auto watch = loop_.add(conversation.client, EPOLLIN,
                           [this, &conversation](std::uint32_t) { on_client_ready(conversation); });
    if (!watch) return drop(conversation);
    conversation.client_watch = *watch;
    conversation.timer = loop_.after(conversation_patience, [this, &conversation] {
        conversation.timer = 0;
        drop(conversation);
    });
}

void Resolver::on_client_ready(Conversation& conversation) {
    std::array<std::byte, max_tcp_query> buffer;
    const sys::Transfer got = sys::receive_some(conversation.client, buffer);
    if (got.blocked) return;
    if (got.bytes == 0 || conversation.server) return drop(conversation);
    conversation.input.append(as_text(std::span<const std::byte>(buffer.data(), got.bytes)));
    if (conversation.input.size() > max_tcp_query + 2) return drop(conversation);
    on_query(conversation);
}

// Answers the query at the front of the input once it is whole.
void Resolver::on_query(Conversation& conversation) {
    const std::string& input = conversation.input;
    if (input.size() < 2) return;
    const std::size_t length =
        static_cast<unsigned char>(input[0]) << 8 | static_cast<unsigned char>(input[1]);
    if (length > max_tcp_query) return drop(conversation);
    if (input.size() < length + 2) return;
    const std::string query = input.substr(2, length);
    const auto question = parse_dns_query(bytes_of(query));
    if (!question) return drop(conversation);
    if (const auto answer = names_.answer(*question)) {
        conversation.input.erase(0, length + 2);
        send_reply(conversation, make_dns_response(bytes_of(query), *question, *answer, 0xFFFF));
        return;
    }
    const std::vector<std::string>& servers = names_.servers();
    const auto address =
        sys::SocketAddress::parse(servers[conversation.attempts++ % servers.size()], 53);
    if (!address) return drop(conversation);
    auto server = sys::connect_tcp(*address);
    if (!server) return send_reply(conversation, failure(query, *question));
    conversation.server = std::move(*server);
    conversation.to_server = input.substr(0, length + 2);
    conversation.from_server.clear();
    conversation.input.erase(0, length + 2);
    auto watch = loop_.add(
        conversation.server, EPOLLOUT,
        [this, &conversation](std::uint32_t events) { on_server_ready(conversation, events); });
    if (!watch) return drop(conversation);
    conversation.server_watch = *watch;
}

void Resolver::on_server_ready(Conversation& conversation, std::uint32_t events) {
    if (!conversation.to_server.empty()) {
        if (sys::socket_error(conversation.server) != 0) return drop(conversation);
        const sys::Transfer sent =
            sys::send_some(conversation.server, bytes_of(conversation.to_server));
        if (sent.ended) return drop(conversation);
        conversation.to_server.erase(0, sent.bytes);
        if (conversation.to_server.empty()) loop_.modify(conversation.server_watch, EPOLLIN);
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    std::array<std::byte, max_datagram> buffer;
    const sys::Transfer got = sys::receive_some(conversation.server, buffer);
    if (got.blocked) return;
    if (got.bytes == 0) return drop(conversation);
    std::string& reply = conversation.from_server;
    reply.append(as_text(std::span<const std::byte>(buffer.data(), got.bytes)));
    if (reply.size() < 2) return;
    const std::size_t length =
        static_cast<unsigned char>(reply[0]) << 8 | static_cast<unsigned char>(reply[1]);
    if (reply.size() < length + 2) return;
    loop_.remove(conversation.server_watch);
    conversation.server.close();
    send_reply(conversation, std::string(reply.substr(2, length)));
}

void Resolver::send_reply(Conversation& conversation, std::string_view message) {
    std::string framed;
    framed.push_back(static_cast<char>(message.size() >> 8));
    framed.push_back(static_cast<char>(message.size()));
    framed.append(message);
    // An answer fits the socket's buffer; a client that does not take it is dropped.
    if (sys::send_some(conversation.client, bytes_of(framed)).bytes != framed.size())
        drop(conversation);
}

void Resolver::drop(Conversation& conversation) {
    loop_.remove(conversation.client_watch);
    loop_.remove(conversation.server_watch);
    loop_.cancel(conversation.timer);
    conversations_.remove_if([&](const Conversation& other) { return &other == &conversation; });
}

}  // namespace berth::shim
