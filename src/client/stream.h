#pragma once
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/stream_frame.h"
#include "base/result.h"
#include "sys/fd.h"

namespace berth::client {

/// Takes the output of a container piece by piece. An error ends the stream.
using OutputSink = std::function<Result<>(api::Stream stream, std::string_view bytes)>;
/// Takes raw bytes, such as a tar archive on its way.
using BytesSink = std::function<Result<>(std::string_view bytes)>;
/// Fills the next piece of a body; an empty piece is its end.
using BytesSource = std::function<Result<std::string>()>;

/// The two-way stream of attach and exec: the container's terminal, or its stdin with stdout and
/// stderr taken apart. One thread may receive while another sends. Dropping it detaches; the
/// container runs on.
class Session {
public:
    /// `is_raw`: the bytes are a terminal's and not framed. `early` are bytes that came together
    /// with the answer's head.
    Session(sys::Fd socket, std::string early, bool is_raw);
    Session(Session&&) noexcept = default;
    Session& operator=(Session&&) noexcept = default;

    /// The socket, for poll(2). Call receive() first while has_buffered() holds.
    sys::BorrowedFd fd() const { return socket_; }
    bool has_buffered() const { return !early_.empty(); }
    /// Waits for output and hands it on; false at the end of the stream. Never waits once poll(2)
    /// said readable.
    Result<bool> receive(const OutputSink& sink);
    /// Everything up to the end. Cancelled when `stop` is requested.
    Result<> receive_all(const OutputSink& sink, const std::stop_token& stop = {});
    /// Bytes for stdin.
    Result<> send(std::string_view bytes);
    /// Ends stdin; output goes on.
    Result<> close_input();

private:
    sys::Fd socket_;
    std::string early_;
    bool is_raw_;
    api::FrameDecoder decoder_;
};

}  // namespace berth::client
