#pragma once
#include "build/builder.h"
#include "http/server.h"

namespace berth::daemon {

/// What the parameters and headers of `POST /build` ask for: Docker's of the classic builder, and
/// Berth's own
///     berth.hostca, berth.check, berth.oci, berth.insecure    flags
///     berth.nocachefilter                                     a stage, may be repeated
///     berth.contexts                                          JSON {name: reference}
///     header X-Berth-Secrets                                  base64url of JSON {id: base64}
/// The context, credentials and progress are the caller's to fill in. InvalidArgument names what is
/// wrong.
Result<build::BuildRequest> build_request_of(const http::Query& query,
                                             const http::Headers& headers);

}  // namespace berth::daemon
