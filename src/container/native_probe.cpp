#include "container/native_probe.h"

#include "base/text.h"

namespace berth::container {

Result<std::optional<NativeProbe>> native_probe(const Healthcheck& check) {
    if (check.test.empty()) return std::optional<NativeProbe>();
    const std::string& word = check.test[0];
    NativeProbe probe;
    if (word == "HTTP")
        probe.kind = shim::ProbeKind::Http;
    else if (word == "TCP")
        probe.kind = shim::ProbeKind::Tcp;
    else if (word == "GRPC")
        probe.kind = shim::ProbeKind::Grpc;
    else
        return std::optional<NativeProbe>();
    const std::string target = check.test.size() == 2 ? check.test[1] : "";
    const std::size_t slash = target.find('/');
    const auto port = parse_uint(std::string_view(target).substr(0, slash));
    const bool has_path = slash != std::string::npos;
    if (!port || *port == 0 || *port > 65535 || (has_path && probe.kind == shim::ProbeKind::Tcp)) {
        return fail(ErrorCode::InvalidArgument, "health check ", word, " \"", target,
                    "\": expected PORT",
                    probe.kind == shim::ProbeKind::Tcp    ? ""
                    : probe.kind == shim::ProbeKind::Http ? "/PATH"
                                                          : "[/SERVICE]");
    }
    probe.port = static_cast<std::uint16_t>(*port);
    if (has_path)
        probe.path = target.substr(probe.kind == shim::ProbeKind::Http ? slash : slash + 1);
    // It goes into a request line as it is.
    for (const char c : probe.path) {
        if (c <= ' ' || c == '\x7f')
            return fail(ErrorCode::InvalidArgument, "health check ", word, " \"", target,
                        "\": the path has a character that must be escaped");
    }
    return std::optional(std::move(probe));
}

}  // namespace berth::container
