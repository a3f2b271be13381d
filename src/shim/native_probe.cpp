#include "shim/native_probe.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <array>

#include "base/text.h"
#include "shim/grpc_health.h"
#include "sys/file.h"
#include "sys/inet.h"
#include "sys/namespace.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::shim {
namespace {

constexpr std::size_t max_answer_bytes = 64 * 1024;

Result<sys::Fd> connect_to(const std::string& address, std::uint16_t port) {
    const sys::SocketAddress target = TRY(sys::SocketAddress::parse(address, port));
    sys::Fd socket = TRY(sys::connect_tcp(target));
    TRY(sys::wait_writable(socket));
    if (const int error = sys::socket_error(socket); error != 0) {
        return Error(ErrorCode::Unavailable,
                     concat("connect to port ", port, ": ", ::strerror(error)));
    }
    TRY(sys::set_nonblocking(socket, false));
    return socket;
}

// Programs listen on one of the two, or on both.
Result<sys::Fd> connect_to_port(std::uint16_t port) {
    auto socket = connect_to("127.0.0.1", port);
    if (socket) return socket;
    if (auto other = connect_to("::1", port)) return other;
    return socket;
}

/// Reads from `socket` until `is_enough` or the end.
template <typename Take>
Result<> read_until(sys::BorrowedFd socket, Take is_enough) {
    std::array<std::byte, 4096> buffer;
    for (std::size_t total = 0; total < max_answer_bytes;) {
        const std::size_t got = TRY(sys::read(socket, buffer));
        if (got == 0) return {};
        total += got;
        if (is_enough(as_text(std::span(buffer).first(got)))) return {};
    }
    return {};
}

struct Finding {
    bool healthy = false;
    std::string text;
};

Result<Finding> ask_http(sys::BorrowedFd socket, const HealthSettings& settings) {
    const std::string path = settings.path.empty() ? "/" : settings.path;
    TRY(sys::write_all(
        socket,
        concat("GET ", path, " HTTP/1.1\r\nHost: localhost:", settings.port,
               "\r\nUser-Agent: berth-health\r\nAccept: */*\r\nConnection: close\r\n\r\n")));
    std::string answer;
    TRY(read_until(socket, [&](std::string_view bytes) {
        answer.append(bytes);
        return answer.find('\n') != std::string::npos;
    }));
    const auto status = parse_http_status(answer);
    if (!status) return Finding{false, concat("GET ", path, ": the answer is not HTTP")};
    const std::string line(trim(std::string_view(answer).substr(0, answer.find('\n'))));
    return Finding{*status >= 200 && *status < 400,
                   concat("GET ", path, ": ", line.substr(line.find(' ') + 1))};
}

Result<Finding> ask_grpc(sys::BorrowedFd socket, const HealthSettings& settings) {
    TRY(sys::write_all(socket, make_grpc_health_request(settings.path)));
    GrpcHealthAnswer answer;
    Result<> replied;
    TRY(read_until(socket, [&](std::string_view bytes) {
        const std::string replies = answer.feed(bytes);
        if (!replies.empty()) replied = sys::write_all(socket, replies);
        return answer.status() || answer.has_ended() || replied.is_error();
    }));
    if (!answer.status())
        return Finding{false, "grpc: the server does not serve grpc.health.v1.Health"};
    static constexpr const char* names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    const int status = *answer.status();
    return Finding{status == 1,
                   concat("grpc: ", status >= 0 && status < 4 ? names[status] : "UNKNOWN")};
}

Result<Finding> ask(const HealthSettings& settings, pid_t init) {
    const sys::Fd network = TRY(sys::open_namespace(init, "net"));
    TRY(sys::enter_namespace(network, CLONE_NEWNET));
    const sys::Fd socket = TRY(connect_to_port(settings.port));
    switch (settings.kind) {
        case ProbeKind::Http: return ask_http(socket, settings);
        case ProbeKind::Grpc: return ask_grpc(socket, settings);
        case ProbeKind::Command:
        case ProbeKind::Tcp: break;
    }
    return Finding{true, concat("port ", settings.port, " accepts connections")};
}

}  // namespace

std::optional<int> parse_http_status(std::string_view answer) {
    if (!answer.starts_with("HTTP/")) return std::nullopt;
    const std::size_t space = answer.find(' ');
    if (space == std::string_view::npos || answer.size() < space + 4) return std::nullopt;
    const auto status = parse_uint(answer.substr(space + 1, 3));
    if (!status || *status < 100 || *status > 599) return std::nullopt;
    return static_cast<int>(*status);
}

Result<sys::Child> start_native_probe(const HealthSettings& settings, pid_t init,
                                      sys::BorrowedFd output) {
    sys::Child child = TRY(sys::clone_process({}));
    if (child.pid != 0) return child;
    const auto finding = ask(settings, init);
    const std::string text = finding ? finding->text : finding.error().message();
    sys::write_all(output, text + "\n").ignore("the exit status says the same");
    ::_exit(finding && finding->healthy ? 0 : 1);
}

}  // namespace berth::shim
