#include "base/text.h"
#include "http/connection.h"

namespace berth::http {

Result<Endpoint> Endpoint::parse(std::string_view text) {
    Endpoint out;
    std::string_view rest = text;
    if (rest.starts_with("unix://")) {
        out.unix_path = rest.substr(7);
        if (!out.unix_path.starts_with('/'))
            return fail(ErrorCode::InvalidArgument, "host \"", text,
                        "\": the socket needs an absolute path");
        return out;
    }
    if (rest.starts_with('/')) {
        out.unix_path = rest;
        return out;
    }
    const auto scheme = rest.find("://");
    if (scheme != std::string_view::npos) {
        const auto name = rest.substr(0, scheme);
        if (name != "tcp" && name != "http" && name != "https")
            return fail(ErrorCode::InvalidArgument, "host \"", text, "\": unknown protocol \"",
                        name, "\"");
        out.tls = name == "https";
        rest = rest.substr(scheme + 3);
    }
    while (rest.ends_with('/')) rest.remove_suffix(1);
    const auto colon = rest.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
    out.host = rest.substr(0, has_port ? colon : rest.size());
    if (out.host.starts_with('[') && out.host.ends_with(']'))
        out.host = out.host.substr(1, out.host.size() - 2);
    if (out.host.empty()) out.host = "127.0.0.1";
    const auto port = has_port ? parse_uint(rest.substr(colon + 1))
                               : std::optional<std::uint64_t>(out.tls ? 2376 : 2375);
    if (!port || *port == 0 || *port > 65535)
        return fail(ErrorCode::InvalidArgument, "host \"", text, "\": invalid port");
    out.port = static_cast<std::uint16_t>(*port);
    return out;
}

std::string Endpoint::to_string() const {
    if (!unix_path.empty()) return "unix://" + unix_path;
    return concat(tls ? "https://" : "tcp://", host, ":", port);
}

}  // namespace berth::http
