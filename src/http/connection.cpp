#include "http/connection.h"

#include <netdb.h>

#include "http/client_stream_internal.h"
#include "sys/file.h"
#include "sys/inet.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::http {

namespace {

struct FreeAddresses {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<sys::Fd> connect_one(const addrinfo& info) {
    sys::SocketAddress address;
    std::copy_n(reinterpret_cast<const char*>(info.ai_addr), info.ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    address.length = info.ai_addrlen;
    sys::Fd socket = TRY(sys::connect_tcp(address));
    if (!TRY(sys::wait_writable(socket, std::chrono::seconds(15))))
        return fail(ErrorCode::TimedOut, "connect: timed out");
    if (const int error = sys::socket_error(socket)) return Error::from_errno("connect", error);
    TRY(sys::set_nonblocking(socket, false));
    sys::set_no_delay(socket);
    return socket;
}

Result<sys::Fd> connect_host(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0)
        return fail(ErrorCode::Unavailable, "look up ", host, ": ",
                    std::string_view(gai_strerror(code)));
    const std::unique_ptr<addrinfo, FreeAddresses> list(found);
    Result<sys::Fd> last = fail(ErrorCode::Unavailable, "no address for ", host);
    for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
        last = connect_one(*info);
        if (last) break;
    }
    return last;
}

}  // namespace

Connection::Connection(Endpoint endpoint)
    : endpoint_(std::move(endpoint)), pool_(std::make_shared<Pool>()) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Result<std::unique_ptr<ClientStream>> Connection::open_stream(bool fresh, std::stop_token stop) {
    while (!fresh) {
        std::unique_ptr<Stream> idle;
        {
            auto list = pool_->idle.lock();
            if (list->empty()) break;
            idle = std::move(list->back());
            list->pop_back();
        }
        // Readable while idle means closed by the server.
        const auto readable = sys::wait_readable(idle->fd(), std::chrono::milliseconds(0));
        if (readable && !*readable)
            return std::make_unique<ClientStream>(std::move(idle), pool_, true);
    }
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    auto connected = endpoint_.unix_path.empty() ? connect_host(endpoint_.host, endpoint_.port)
                                                 : sys::connect_unix(endpoint_.unix_path);
    sys::Fd socket = TRY(std::move(connected).context("connect to ", endpoint_.to_string()));
    std::unique_ptr<Stream> stream;
    if (endpoint_.tls) {
        if (!pool_->tls)
            pool_->tls = TRY(TlsContext::for_client({.ca_file = endpoint_.ca_file,
                                                     .certificate_file = endpoint_.certificate_file,
                                                     .key_file = endpoint_.key_file,
                                                     .verify = endpoint_.verify}));
        stream = TRY(pool_->tls->wrap(std::move(socket), endpoint_.host)
                         .context("connect to ", endpoint_.to_string()));
    } else {
        stream = plain_stream(std::move(socket));
    }
    return std::make_unique<ClientStream>(std::move(stream), pool_, false);
}

Result<ClientResponse> Connection::send(ClientRequest request, std::stop_token stop) {
    const std::string method = request.method;
    // A streamed body cannot be sent twice, so it never goes over a connection that may have been
    // closed meanwhile.
    std::unique_ptr<ClientStream> stream =
        TRY(open_stream(static_cast<bool>(request.body_source), stop));
    std::optional<ClientRequest> again;
    if (stream->may_be_stale()) again = request;
    auto sent = stream->send_request(std::move(request), endpoint_);
    auto head = stream->read_head(method, stop);
    if (!head && again && stream->may_be_stale() && !head.error().is(ErrorCode::Cancelled)) {
        stream = TRY(open_stream(true, stop));
        sent = stream->send_request(std::move(*again), endpoint_);
        head = stream->read_head(method, stop);
    }
    if (!head && !sent) return std::move(sent).error();
    if (!head) return std::move(head).error();
    ClientResponse response;
    response.status = head->status;
    response.reason = head->reason;
    response.headers = std::move(head->headers);
    response.stream_ = std::move(stream);
    return response;
}

ClientResponse::ClientResponse() = default;
ClientResponse::ClientResponse(ClientResponse&&) noexcept = default;
ClientResponse& ClientResponse::operator=(ClientResponse&&) noexcept = default;
ClientResponse::~ClientResponse() = default;

Result<std::size_t> ClientResponse::read(std::span<std::byte> buffer, std::stop_token stop) {
    return stream_->read_body(buffer, stop);
}

Result<std::string> ClientResponse::read_all(std::size_t limit, std::stop_token stop) {
    std::string out;
    std::vector<std::byte> part(32 << 10);
    while (true) {
        const std::size_t count = TRY(read(part, stop));
        if (count == 0) return out;
        if (out.size() + count > limit)
            return fail(ErrorCode::InvalidArgument, "the answer is larger than ", limit, " bytes");
        out += as_text(std::span(part).first(count));
    }
}

Result<ClientResponse::Hijacked> ClientResponse::hijack() && {
    auto out = stream_->hijack();
    stream_.reset();
    return out;
}

}  // namespace berth::http
