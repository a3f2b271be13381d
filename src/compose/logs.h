#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "client/client.h"
#include "compose/observed.h"

namespace berth::compose {

/// One line of a container's output, without its line end.
struct LogLine {
    std::string container;
    api::Stream stream;
    std::string text;
};

/// Called from several threads, but never by two at once.
using LogSink = std::function<void(const LogLine&)>;

/// Reads the logs of several containers at once and hands on whole lines. With options.follow it
/// lasts until every container has ended or `stop` is requested; a container that ends is told to
/// `on_end` (may be empty).
Result<> read_logs(const client::Client& client, const std::vector<ObservedContainer>& containers,
                   const client::LogOptions& options, const LogSink& sink,
                   const std::function<void(const ObservedContainer&)>& on_end,
                   const std::stop_token& stop);

}  // namespace berth::compose
