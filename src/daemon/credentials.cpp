#include "daemon/credentials.h"

#include "base/text.h"

namespace berth::daemon {

remote::Credentials credentials_of(const api::AuthConfig& auth) {
    return {.username = auth.username,
            .password = auth.password,
            .identity_token = auth.identity_token,
            .registry_token = auth.registry_token};
}

std::string registry_host(std::string_view address) {
    for (const std::string_view scheme : {"https://", "http://"})
        if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
    const std::string host(address.substr(0, address.find('/')));
    return host.empty() || host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io"
                                                                                       : host;
}

remote::CredentialsProvider credentials_for(const http::Headers& headers, const std::string& host) {
    const auto auth = api::AuthConfig::from_header(headers.get("X-Registry-Auth"));
    if (!auth || auth->is_empty()) return {};
    return [host, credentials = credentials_of(*auth)](const std::string& wanted) {
        return wanted == host ? credentials : remote::Credentials{};
    };
}

remote::CredentialsProvider credentials_for_any(const http::Headers& headers) {
    const auto configs = api::auth_configs_from_header(headers.get("X-Registry-Config"));
    if (!configs || configs->empty()) return {};
    std::map<std::string, remote::Credentials> by_host;
    for (const auto& [address, auth] : *configs)
        by_host[registry_host(address)] = credentials_of(auth);
    return [by_host = std::move(by_host)](const std::string& wanted) {
        const auto found = by_host.find(wanted);
        return found == by_host.end() ? remote::Credentials{} : found->second;
    };
}

remote::CredentialsProvider credentials_for_push(const http::Headers& headers,
                                                 const std::string& host) {
    auto target = credentials_for(headers, host);
    auto others = credentials_for_any(headers);
    if (!others) return target;
    return
        [host, target = std::move(target), others = std::move(others)](const std::string& wanted) {
            if (wanted != host) return others(wanted);
            return target ? target(wanted) : remote::Credentials{};
        };
}

}  // namespace berth::daemon
