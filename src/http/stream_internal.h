#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "http/server.h"
#include "sys/fd.h"

namespace berth::http {

/// A connected byte stream, plain or through TLS. One thread may read while another writes. Another
/// thread wakes both with sys::shutdown_both(fd()).
class Stream {
public:
    virtual ~Stream() = default;
    /// Some bytes; 0 when the peer ended its side. TimedOut after `limit`.
    virtual Result<std::size_t> read(std::span<std::byte> buffer,
                                     std::optional<std::chrono::milliseconds> limit = {}) = 0;
    virtual Result<> write(std::span<const std::byte> bytes) = 0;
    virtual Result<> send_file(sys::BorrowedFd file, std::uint64_t offset, std::uint64_t bytes) = 0;
    virtual sys::BorrowedFd fd() const = 0;
    virtual bool is_tls() const { return false; }
    /// The raw socket; for TLS, one end of a pair whose other end a thread relays. The stream is
    /// used up.
    virtual Result<sys::Fd> release() = 0;
    virtual void close_gracefully() = 0;
};

std::unique_ptr<Stream> plain_stream(sys::Fd socket);

/// Keys and trust for TLS connections, shared by all of one listener or client.
class TlsContext {
public:
    static Result<std::shared_ptr<TlsContext>> for_server(const TlsOptions& options);
    struct ClientOptions {
        std::string ca_file, certificate_file, key_file;
        bool verify = true;
    };
    static Result<std::shared_ptr<TlsContext>> for_client(const ClientOptions& options);
    virtual ~TlsContext() = default;
    /// Shakes hands, for at most 20 s. `host` is checked against the server's certificate (clients
    /// only).
    virtual Result<std::unique_ptr<Stream>> wrap(sys::Fd socket, const std::string& host) = 0;
};

}  // namespace berth::http
