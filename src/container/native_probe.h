#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "container/spec.h"
#include "shim/protocol.h"

namespace berth::container {

/// A health check that asks a port and needs nothing in the image.
struct NativeProbe {
    shim::ProbeKind kind = shim::ProbeKind::Tcp;
    std::uint16_t port = 0;
    std::string path;  // "/healthz" of HTTP, "my.Service" of GRPC
};

/// What a check such as {"HTTP", "8080/healthz"} asks for; nullopt for Docker's own kinds.
/// InvalidArgument when the port is none.
Result<std::optional<NativeProbe>> native_probe(const Healthcheck& check);

}  // namespace berth::container
