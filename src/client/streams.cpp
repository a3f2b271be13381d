#include "client/transport_internal.h"

// Output of containers: logs and attach.
namespace berth::client {

Result<> Client::logs(const std::string& id, const LogOptions& options, const OutputSink& sink,
                      const std::stop_token& stop) const {
    Call call{.path = path_of("/containers/", id, "/logs")};
    add_flag(call.query, "stdout", options.stdout_wanted);
    add_flag(call.query, "stderr", options.stderr_wanted);
    add_flag(call.query, "follow", options.follow);
    add_flag(call.query, "timestamps", options.timestamps);
    add_flag(call.query, "details", options.details);
    add_text(call.query, "since", options.since);
    add_text(call.query, "until", options.until);
    add_text(call.query, "tail", options.tail);
    auto response = TRY(transport_->send(std::move(call), stop));
    const bool is_framed =
        response.headers.get("Content-Type") == "application/vnd.docker.multiplexed-stream";
    api::FrameDecoder decoder;
    std::string buffer(64 << 10, '\0');
    while (true) {
        const std::size_t count =
            TRY(response.read(std::as_writable_bytes(std::span(buffer)), stop));
        if (count == 0) return {};
        const auto piece = std::string_view(buffer).substr(0, count);
        if (is_framed) {
            TRY(decoder.feed(piece, sink));
        } else {
            TRY(sink(api::Stream::Stdout, piece));
        }
    }
}

Result<Session> Client::attach(const std::string& id, const AttachOptions& options) const {
    Call call{.method = "POST",
              .path = path_of("/containers/", id, "/attach"),
              .query = {{"stream", "1"}}};
    add_flag(call.query, "stdin", options.stdin_wanted);
    add_flag(call.query, "stdout", options.stdout_wanted);
    add_flag(call.query, "stderr", options.stderr_wanted);
    add_flag(call.query, "logs", options.logs);
    add_text(call.query, "detachKeys", options.detach_keys);
    return transport_->hijack(std::move(call));
}

}  // namespace berth::client
