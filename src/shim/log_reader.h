#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "shim/log_line.h"

namespace berth::shim {

struct LogQuery {
    std::string path;        // of the newest file; older ones are path.1 and so on
    std::int64_t tail = -1;  // only the last n entries that match; -1: all
    bool stdout_ = true, stderr_ = true;
    Timestamp since{}, until{};  // epoch: no bound
    bool follow = false;
    /// Asked while following when nothing comes: false ends the following once everything was read.
    std::function<bool()> is_alive;
};

/// Reads a container's log in order of time, across rotated files, and goes on with what is written
/// meanwhile (also across rotations) when following. `sink` returns false to end. Torn entries are
/// skipped. Cancelled never: a stop just ends it.
Result<> read_log(const LogQuery& query, const std::function<bool(const LogLine&)>& sink,
                  std::stop_token stop);

}  // namespace berth::shim
