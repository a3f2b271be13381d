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
    bool has_own_path =
        false;  // the base replaces "/v2": a mirror that keeps several registries apart by path
    http::Headers headers;  // sent with every request
    std::string origin;     // of a mirror: the registry it stands for, told as "ns"
};
/// An address to ask before the registry itself, and what for.
struct Mirror {
    HostAddress address;
    bool can_resolve = true, can_pull = true, can_push = false;
};
/// What a hosts.toml says about one registry. containerd's docs/hosts.md.
struct HostConfig {
    std::vector<Mirror> mirrors;
    std::string server;  // instead of the registry's own address
};

/// The first `<dir>/<host>/hosts.toml` (or `<dir>/<host_with_port_>/`, or `<dir>/_default/`) of the
/// directories, and for docker.io the mirrors of the options behind it. InvalidArgument names the
/// file and what is wrong in it.
Result<HostConfig> config_of(const std::string& host, const HostOptions& options);
/// Reads one file; paths in it are relative to `directory`.
Result<HostConfig> parse_host_config(std::string_view text, const std::string& directory,
                                     const std::string& host);

/// Whether plain HTTP and unverified certificates are acceptable: loopback, or configured as
/// insecure.
bool is_insecure_host(const std::string& host, const std::vector<std::string>& configured);
/// The addresses of the registry itself to try, in order: TLS first, plain HTTP only for insecure
/// hosts.
Result<std::vector<HostAddress>> addresses_of(const std::string& host, const HostOptions& options);
/// Certificates of `<certs_dir>/<host>/`: *.crt are CAs, NAME.cert with NAME.key is shown to the
/// server.
Result<http::TlsTrust> load_trust(const std::string& host, const std::string& certs_dir);

}  // namespace berth::remote
