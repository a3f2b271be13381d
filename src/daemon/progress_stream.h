#pragma once
#include <string_view>

#include "api/progress.h"
#include "http/server.h"

namespace berth::daemon {

/// The JSON lines that long operations answer with. The status is fixed by the first line: a
/// failure before it becomes a real error, a later one the stream's last line.
class ProgressStream {
public:
    explicit ProgressStream(http::Response& response) : response_(response) {}
    /// Sends one line. What cannot be sent is dropped: the request's stop token says that the
    /// client has gone.
    void send(const api::ProgressMessage& message);
    /// Ends the stream with the operation's outcome.
    Result<> finish(Result<> outcome);

private:
    http::Response& response_;
};

}  // namespace berth::daemon
