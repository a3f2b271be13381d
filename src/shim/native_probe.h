#pragma once
#include <sys/types.h>
#include <optional>
#include <string>
#include <string_view>

#include "shim/protocol.h"
#include "sys/process.h"

namespace berth::shim {

/// Starts a child that asks a port of the container's network namespace, writes a line of what it
/// found to `output`, and exits with 0 (healthy) or 1. Nothing of the image takes part. It ends
/// when the answer has come or is refused; the caller has the clock.
Result<sys::Child> start_native_probe(const HealthSettings& settings, pid_t init,
                                      sys::BorrowedFd output);

/// The status of an HTTP answer ("HTTP/1.1 200 OK"); nullopt for anything that is no status line.
std::optional<int> parse_http_status(std::string_view answer);

}  // namespace berth::shim
