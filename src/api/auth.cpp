#include "api/auth.h"

#include "api/fields_internal.h"
#include "codec/base64.h"

namespace berth::api {

template <typename Visitor>
void describe(Visitor& field, AuthConfig& value) {
    field.omit_empty("username", value.username);
    field.omit_empty("password", value.password);
    field.omit_empty("email", value.email);
    field.omit_empty("serveraddress", value.server_address);
    field.omit_empty("identitytoken", value.identity_token);
    field.omit_empty("registrytoken", value.registry_token);
}

namespace {
Result<std::string> decode(std::string_view header) {
    auto json = codec::decode_base64(header);
    // The bytes stay out of the message: they hold a password.
    if (!json) return fail(ErrorCode::InvalidArgument, "registry credentials are not base64url");
    return std::move(*json);
}

// "auth" is base64("user:password"), as configuration files have it.
Result<> fill_from_auth_member(const std::string& json, AuthConfig& config) {
    if (!config.username.empty()) return {};
    const auto parsed = TRY(codec::parse_json(json));
    const std::string auth = codec::get_string(parsed, "auth");
    if (auth.empty()) return {};
    const auto text = codec::decode_base64(auth);
    const auto pair = text ? split_once(*text, ':') : std::nullopt;
    if (!pair)
        return fail(ErrorCode::InvalidArgument,
                    "registry credentials: 'auth' is not base64 of user:password");
    config.username = pair->first;
    config.password = pair->second;
    return {};
}
}  // namespace

std::string AuthConfig::to_json() const { return detail::write(*this); }

Result<AuthConfig> AuthConfig::parse(std::string_view json) {
    auto config = TRY(detail::read<AuthConfig>(json));
    if (!trim(json).empty()) TRY(fill_from_auth_member(std::string(json), config));
    return config;
}

std::string AuthConfig::to_header() const { return codec::encode_base64url(to_json()); }

Result<AuthConfig> AuthConfig::from_header(std::string_view header) {
    const std::string json = TRY(decode(header));
    return parse(json);
}

std::string to_header(const std::map<std::string, AuthConfig>& configs) {
    return codec::encode_base64url(detail::write(configs));
}

Result<std::map<std::string, AuthConfig>> auth_configs_from_header(std::string_view header) {
    std::map<std::string, AuthConfig> configs;
    const std::string text = TRY(decode(header));
    if (trim(text).empty()) return configs;
    const auto json = TRY(codec::parse_json(text));
    if (!json.is_object())
        return fail(ErrorCode::InvalidArgument, "registry credentials are no JSON object");
    for (const auto& [host, entry] : json.items()) {
        auto config = TRY(AuthConfig::parse(codec::dump_json(entry)));
        configs.emplace(host, std::move(config));
    }
    return configs;
}

}  // namespace berth::api
