#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "http/headers.h"

// Requests to servers of the outside world: registries, sources of ADD. HTTP/2, proxies of the
// environment, redirects that do not leak credentials, connections kept for reuse. libcurl.
namespace berth::http {

/// What to trust and show when connecting to one host.
struct TlsTrust {
    bool verify = true;
    std::string extra_ca_pem;  // trusted beside the system's bundle
    std::string certificate_file, key_file;
};

struct TransferRequest {
    std::string method = "GET";
    std::string url;
    Headers headers;
    TlsTrust tls;
    /// A body that is ready, or a streamed one of `upload_bytes` bytes (nullopt: chunked).
    std::string body;
    std::function<Result<std::size_t>(std::span<std::byte>)> upload;
    std::optional<std::uint64_t> upload_bytes;
    /// Called when a streamed body must be sent again from its start (a redirect); false: cannot.
    std::function<bool()> rewind;
    bool follow_redirects = true;
    /// A body of a 2xx response goes here as it comes; without it, and for other statuses, it is
    /// collected.
    std::function<Result<>(std::span<const std::byte>)> sink;
    /// Looks at status and headers of the final response before its body. An error ends the
    /// transfer.
    std::function<Result<>(int status, const Headers& headers)> on_head;
    std::size_t max_body_bytes = 8 << 20;
    /// TimedOut when nothing moves for that long.
    std::chrono::seconds stall_limit{90};
    std::chrono::seconds connect_limit{20};
};

struct TransferResponse {
    int status = 0;
    Headers headers;
    std::string body;
    std::string url;  // after redirects
};

/// Performs transfers, blocking, from any thread; keeps idle connections for the next one to the
/// same host.
class Transfers {
public:
    explicit Transfers(std::string user_agent);
    ~Transfers();
    /// Any status is a success here. Unavailable: no connection, or it was cut; TimedOut;
    /// Cancelled; PermissionDenied when the server's certificate is not trusted. An error of sink,
    /// upload or on_head is returned as it is.
    Result<TransferResponse> perform(TransferRequest request, std::stop_token stop);

private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::http
