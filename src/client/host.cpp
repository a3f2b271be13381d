#include "client/host.h"

namespace berth::client {

namespace {

std::string value_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

}  // namespace

Result<http::Endpoint> choose_host(std::string_view flag, const Environment& environment) {
    std::string text(flag);
    std::string_view origin = "-H";
    if (text.empty()) text = value_of(environment, "BERTH_HOST"), origin = "BERTH_HOST";
    if (text.empty()) text = value_of(environment, "DOCKER_HOST"), origin = "DOCKER_HOST";
    if (text.empty()) text = default_host, origin = "default";
    auto endpoint = TRY(http::Endpoint::parse(text).context(origin).hint(
        "give a socket or an address, such as ", default_host, " or tcp://127.0.0.1:2375"));
    const std::string verify = value_of(environment, "DOCKER_TLS_VERIFY");
    const bool wants_tls = !verify.empty() || !value_of(environment, "DOCKER_TLS").empty();
    if (wants_tls && endpoint.unix_path.empty()) {
        std::string folder = value_of(environment, "DOCKER_CERT_PATH");
        if (folder.empty()) folder = value_of(environment, "HOME") + "/.docker";
        endpoint.tls = true;
        endpoint.verify = !verify.empty();
        endpoint.ca_file = folder + "/ca.pem";
        endpoint.certificate_file = folder + "/cert.pem";
        endpoint.key_file = folder + "/key.pem";
    }
    return endpoint;
}

}  // namespace berth::client
