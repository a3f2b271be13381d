#pragma once
#include <span>

#include "daemon/router.h"

namespace berth::daemon {

/// Every endpoint that is served, with its handler.
std::span<const Route> routes();

}  // namespace berth::daemon
