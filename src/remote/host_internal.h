#pragma once
#include <string>
#include <vector>

#include "http/transfer.h"
#include "remote/registry.h"

namespace berth::remote {

/// One address that a registry may be spoken to at.
struct HostAddress {
    std::string base;  // "https://registry-1.docker.io"
    http::TlsTrust tls;
};

/// Whether plain HTTP and unverified certificates are acceptable: loopback, or configured as insecure.
bool is_insecure_host(const std::string& host, const std::vector<std::string>& configured);
/// The addresses to try, in order: TLS first, plain HTTP only for insecure hosts.
Result<std::vector<HostAddress>> addresses_of(const std::string& host, const HostOptions& options);
/// Certificates of `<certs_dir>/<host>/`: *.crt are CAs, NAME.cert with NAME.key is shown to the server.
Result<http::TlsTrust> load_trust(const std::string& host, const std::string& certs_dir);

}  // namespace berth::remote
