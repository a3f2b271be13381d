#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::api {

/// Credentials for one registry: header X-Registry-Auth and the body of `POST /auth`. Never logged.
struct AuthConfig {
    std::string username, password;
    std::string email, server_address;
    std::string identity_token, registry_token;
    bool is_empty() const {
        return username.empty() && identity_token.empty() && registry_token.empty();
    }

    std::string to_json() const;
    static Result<AuthConfig> parse(std::string_view json);
    /// base64url of the JSON. Both alphabets and missing padding are accepted; "" is an empty
    /// AuthConfig.
    std::string to_header() const;
    static Result<AuthConfig> from_header(std::string_view header);
};

/// Header X-Registry-Config of a build: credentials by registry host.
std::string to_header(const std::map<std::string, AuthConfig>& configs);
Result<std::map<std::string, AuthConfig>> auth_configs_from_header(std::string_view header);

}  // namespace berth::api
