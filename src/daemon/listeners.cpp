#include "daemon/listeners.h"

#include <cstdlib>

#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace berth::daemon {

namespace {
constexpr int first_passed_socket = 3;

std::string parent_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

Result<> listen_unix(http::Server& server, const std::string& path,
                     const engine::Configuration& configuration) {
    const std::string groups = sys::read_file("/etc/group", 1 << 20).value_or("");
    auto gid = find_group(groups, configuration.group);
    if (!gid && configuration.group_was_set) gid = parse_int(configuration.group);
    if (!gid && configuration.group_was_set)
        return fail(ErrorCode::NotFound, "group ", configuration.group, " does not exist")
            .with_hint("groupadd it, or drop --group");
    TRY(sys::mkdir_all(parent_of(path), 0755));
    return server.listen_unix(path, 0660, gid.value_or(0));
}

/// Sockets that the service manager opened. sd_listen_fds(3).
Result<> adopt_passed_sockets(http::Server& server) {
    const char* count_text = std::getenv("LISTEN_FDS");
    const auto count = count_text ? parse_uint(count_text) : std::nullopt;
    if (!count || *count == 0) {
        return fail(ErrorCode::InvalidArgument, "no sockets were passed for fd://")
            .with_hint("fd:// needs a socket unit; use -H unix://PATH otherwise");
    }
    for (std::uint64_t i = 0; i < *count; ++i)
        TRY(server.add_listener(sys::Fd(first_passed_socket + static_cast<int>(i))));
    return {};
}

Result<> listen_tcp(http::Server& server, std::string address,
                    const engine::Configuration::Tls& tls) {
    if (tls.certificate.empty() || tls.key.empty() || tls.ca_certificate.empty())
        return fail(ErrorCode::InvalidArgument, "tcp:// needs --tlscacert, --tlscert and --tlskey");
    // Docker's port for TLS.
    if (address.rfind(':') == std::string::npos || address.ends_with(']')) address += ":2376";
    TRY(server.listen_tcp(address, http::TlsOptions{.certificate_file = tls.certificate,
                                                    .key_file = tls.key,
                                                    .client_ca_file = tls.ca_certificate}));
    return {};
}
}  // namespace

std::optional<std::int64_t> find_group(std::string_view groups, std::string_view name) {
    for (const auto& line : split(groups, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() >= 3 && fields[0] == name) return parse_int(fields[2]);
    }
    return std::nullopt;
}

Result<> open_listeners(http::Server& server, const engine::Configuration& configuration) {
    for (const auto& host : configuration.hosts) {
        Result<> opened;
        if (host.starts_with("unix://")) {
            opened = listen_unix(server, host.substr(7), configuration);
        } else if (host.starts_with("tcp://")) {
            opened = listen_tcp(server, host.substr(6), configuration.tls);
        } else {
            opened = adopt_passed_sockets(server);
        }
        TRY(std::move(opened).context("listen on ", host));
    }
    return {};
}

void remove_sockets(const engine::Configuration& configuration) {
    for (const auto& host : configuration.hosts)
        if (host.starts_with("unix://"))
            sys::unlink(host.substr(7)).ignore("a client sees a refused connection either way");
}

void notify_service_manager(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (!path || path[0] != '/') return;
    const auto socket = sys::connect_unix(path, sys::SocketKind::Datagram);
    if (socket) sys::send_message(*socket, state).ignore("the engine works without its manager");
}

}  // namespace berth::daemon
