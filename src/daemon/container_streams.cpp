#include <thread>

#include "api/stream_frame.h"
#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/handlers.h"
#include "daemon/stream_type.h"
#include "daemon/websocket.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::daemon {

namespace {
Result<std::string> detach_keys_of(const Call& call) {
    const std::string text = call.query("detachKeys");
    if (text.empty()) return container::AttachOptions{}.detach_keys;
    auto keys = parse_detach_keys(text);
    if (!keys) return fail(ErrorCode::InvalidArgument, "invalid detach keys (", text, ") provided");
    return std::move(*keys);
}

Result<std::pair<int, int>> size_of(const Call& call) {
    const auto rows = call.request.query.number("h");
    const auto columns = call.request.query.number("w");
    if (!rows || !columns || *rows < 0 || *columns < 0 || *rows > 65535 || *columns > 65535)
        return fail(ErrorCode::InvalidArgument, "invalid resize height or width");
    return std::pair(static_cast<int>(*rows), static_cast<int>(*columns));
}
/// RFC 3339 with nine digits always, so that lines stay aligned: "2026-11-23T10:00:00.500000000Z".
std::string fixed_width_time(Timestamp time) {
    std::string text = to_rfc3339(time);
    text.pop_back();
    if (text.find('.') == std::string::npos) text += '.';
    constexpr std::size_t width = sizeof("2026-11-23T10:00:00.") - 1 + 9;
    text.resize(width, '0');
    return text + "Z";
}
}  // namespace

namespace {
struct Attachment {
    container::ContainerView view;
    container::AttachOptions options;
    bool is_waiting = false;  // nothing runs, so nothing can be written before the head
};

Result<Attachment> attachment_of(Call& call) {
    container::AttachOptions options{.stdin_ = call.flag("stdin"),
                                     .stdout_ = call.flag("stdout"),
                                     .stderr_ = call.flag("stderr"),
                                     .logs = call.flag("logs"),
                                     .stream = call.flag("stream")};
    options.detach_keys = TRY(detach_keys_of(call));
    const auto view = TRY(call.engine.containers.inspect(call.parameter("id")));
    if (view.state.status == container::Status::Paused) {
        return fail(ErrorCode::Conflict, "container ", view.name,
                    " is paused, unpause the container before attach");
    }
    if (view.state.status == container::Status::Restarting) {
        return fail(ErrorCode::Conflict, "container ", view.name,
                    " is restarting, wait until the container is running");
    }
    options.multiplex = !view.spec.tty;
    const auto status = view.state.status;
    const bool is_waiting =
        status == container::Status::Created || status == container::Status::Exited;
    return Attachment{.view = view,
                      .options = options,
                      .is_waiting = is_waiting && options.stream && !options.logs};
}
}  // namespace

Result<> attach_container(Call& call) {
    auto [view, options, is_waiting] = TRY(attachment_of(call));
    if (is_waiting && !call.request.is_tls) {
        // Clients start the container as soon as they read our head. They must find themselves
        // attached by then, or what a short-lived process prints is lost. Nothing can be written
        // before the head, since nothing runs.
        auto early = TRY(sys::duplicate(call.request.connection()));
        TRY(call.engine.containers.attach(view.id, options, std::move(early)));
        TRY(call.response.hijack(call.request.headers.has_token("Connection", "upgrade")
                                     ? stream_type(view.spec.tty, call.version)
                                     : "application/vnd.docker.raw-stream"));
        return {};
    }
    // Errors after this point go onto the stolen connection: there is no other way left to tell
    // them.
    const bool upgraded = call.request.headers.has_token("Connection", "upgrade");
    auto stream = TRY(call.response.hijack(upgraded ? stream_type(view.spec.tty, call.version)
                                                    : "application/vnd.docker.raw-stream"));
    options.early_input = std::move(stream.early_input);
    sys::wait_until_read(stream.fd, head_read_limit);
    return call.engine.containers.attach(view.id, options, std::move(stream.fd));
}

// What Docker's web clients use: the same bytes as a terminal's, in the messages of a WebSocket.
Result<> attach_websocket(Call& call) {
    const auto& headers = call.request.headers;
    if (!headers.has_token("Upgrade", "websocket") || headers.get("Sec-WebSocket-Key").empty())
        return fail(ErrorCode::InvalidArgument, "this endpoint needs a WebSocket handshake");
    if (headers.get("Sec-WebSocket-Version") != "13")
        return fail(ErrorCode::InvalidArgument, "only version 13 of WebSocket is spoken");
    auto [view, options, is_waiting] = TRY(attachment_of(call));
    options.multiplex = false;
    auto [ours, theirs] = TRY(sys::socket_pair());
    if (is_waiting) TRY(call.engine.containers.attach(view.id, options, std::move(theirs)));
    call.response.headers.set("Sec-WebSocket-Accept",
                              websocket_accept(headers.get("Sec-WebSocket-Key")));
    auto socket = TRY(call.response.hijack({}));
    const auto opcode = call.is_at_least(28) ? WebSocketOpcode::Binary : WebSocketOpcode::Text;
    std::jthread relay([&socket, &ours, opcode] {
        relay_websocket(socket.fd, std::move(socket.early_input), ours, opcode);
    });
    if (is_waiting) return {};
    // Only now, since what was logged goes through the pair before this returns.
    auto attached = call.engine.containers.attach(view.id, options, std::move(theirs));
    return attached;
}

Result<> resize_container(Call& call) {
    const auto [rows, columns] = TRY(size_of(call));
    TRY(call.engine.containers.resize(call.parameter("id"), rows, columns));
    return call.send_status(200);
}

Result<> show_logs(Call& call) {
    container::LogOptions options{.stdout_ = call.flag("stdout"),
                                  .stderr_ = call.flag("stderr"),
                                  .follow = call.flag("follow"),
                                  .timestamps = call.flag("timestamps"),
                                  .details = call.flag("details")};
    if (!options.stdout_ && !options.stderr_)
        return fail(ErrorCode::InvalidArgument,
                    "Bad parameters: you must choose at least one stream");
    const std::string tail = call.query("tail");
    if (!tail.empty() && tail != "all") {
        const auto lines = parse_int(tail);
        if (lines && *lines >= 0) options.tail = *lines;
    }
    const Timestamp now = call.engine.clock.now();
    options.since = TRY(parse_time(call.query("since"), now)).value_or(Timestamp{});
    options.until = TRY(parse_time(call.query("until"), now)).value_or(Timestamp{});
    const auto view = TRY(call.engine.containers.inspect(call.parameter("id")));
    const bool tty = view.spec.tty;
    call.response.headers.set("Content-Type", stream_type(tty, call.version));
    // A client that follows waits for the head, not for the first line.
    if (options.follow) TRY(call.response.start());
    std::string out;
    Result<> written;
    const auto sink = [&](const container::LogEntry& entry) {
        std::string line;
        if (options.timestamps) line = fixed_width_time(entry.time) + " ";
        if (options.details) line += std::string(entry.details) + " ";
        line += entry.text;
        if (tty)
            out += line;
        else
            api::append_frame(out, entry.stream == 2 ? api::Stream::Stderr : api::Stream::Stdout,
                              line);
        if (!options.follow && out.size() < 64 * 1024) return true;
        written = call.response.write(out);
        out.clear();
        return !written.is_error();
    };
    TRY(call.engine.containers.logs(view.id, options, sink, call.stop()));
    TRY(std::move(written));
    return out.empty() && call.response.has_started() ? Result<>() : call.response.write(out);
}

}  // namespace berth::daemon
