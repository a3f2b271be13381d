#include <arpa/inet.h>

#include <algorithm>

#include "remote/host_internal.h"
#include "sys/file.h"

namespace berth::remote {

namespace {

/// "127.0.0.1:5000" without the port, "[::1]:5000" without brackets.
std::string bare_host(const std::string& host) {
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.find(':'));
}

bool is_in_network(const std::string& address, const std::string& network) {
    const auto parts = split_once(network, '/');
    if (!parts) return false;
    in_addr wanted{}, base{};
    const auto bits = parse_uint(parts->second);
    if (!bits || *bits > 32 || inet_pton(AF_INET, address.c_str(), &wanted) != 1 ||
        inet_pton(AF_INET, std::string(parts->first).c_str(), &base) != 1)
        return false;
    const std::uint32_t mask = *bits == 0 ? 0 : ~std::uint32_t{0} << (32 - *bits);
    return (ntohl(wanted.s_addr) & mask) == (ntohl(base.s_addr) & mask);
}

}  // namespace

bool is_insecure_host(const std::string& host, const std::vector<std::string>& configured) {
    const std::string bare = bare_host(host);
    if (bare == "localhost" || bare == "::1" || is_in_network(bare, "127.0.0.0/8")) return true;
    return std::ranges::any_of(configured, [&](const std::string& entry) {
        return entry == host || entry == bare || is_in_network(bare, entry);
    });
}

Result<http::TlsTrust> load_trust(const std::string& host, const std::string& certs_dir) {
    http::TlsTrust trust;
    const std::string directory = certs_dir + "/" + host;
    if (certs_dir.empty() || !sys::exists(directory)) return trust;
    auto entries = TRY(sys::list_dir(directory).context("read ", directory));
    std::ranges::sort(entries, {}, &sys::DirEntry::name);
    for (const auto& entry : entries) {
        const std::string path = directory + "/" + entry.name;
        if (entry.name.ends_with(".crt"))
            trust.extra_ca_pem += TRY(sys::read_file(path, 4 << 20)) + "\n";
        if (!entry.name.ends_with(".cert")) continue;
        const std::string key = path.substr(0, path.size() - 5) + ".key";
        if (!sys::exists(key))
            return fail(ErrorCode::InvalidArgument, "missing key ", key, " for client certificate ",
                        path)
                .with_hint("CA certificates must use the extension .crt");
        trust.certificate_file = path;
        trust.key_file = key;
    }
    return trust;
}

Result<std::vector<HostAddress>> addresses_of(const std::string& host, const HostOptions& options) {
    const std::string name = host == "docker.io" ? "registry-1.docker.io" : host;
    http::TlsTrust trust = TRY(load_trust(host, options.certs_dir));
    const bool is_insecure = is_insecure_host(host, options.insecure);
    if (is_insecure) trust.verify = false;
    if (const auto config = TRY(config_of(host, options)); !config.server.empty()) {
        HostAddress server;
        server.base = config.server;
        server.tls = trust;
        return std::vector<HostAddress>{server};
    }
    std::vector<HostAddress> out(1);
    out.front().base = "https://" + name;
    out.front().tls = trust;
    if (is_insecure) out.emplace_back().base = "http://" + name;
    return out;
}

}  // namespace berth::remote
