#include "cli/credential_helper.h"

#include <unistd.h>

#include "cli/program.h"
#include "codec/json.h"

namespace berth::cli {

Result<std::string> CredentialHelper::call(const std::string& verb,
                                           const std::string& input) const {
    const std::string program = concat("docker-credential-", name_);
    if (name_.empty() || name_.find('/') != std::string::npos) {
        return fail(ErrorCode::InvalidArgument, "bad name of a credential helper: ", name_);
    }
    const auto outcome = TRY(run_program(program, {verb}, input)
                                 .hint("install ", program, ", or take it out of config.json"));
    if (outcome.status.is_success()) return outcome.output;
    return fail(ErrorCode::Unauthenticated, program, " ", verb, ": ", trim(outcome.output));
}

Result<std::optional<api::AuthConfig>> CredentialHelper::get(const std::string& registry) const {
    auto output = call("get", registry);
    if (!output) {
        // The protocol has no other sign for "unknown" than this text.
        if (output.error().message().find("credentials not found") != std::string::npos)
            return std::optional<api::AuthConfig>();
        return std::move(output).error();
    }
    const auto json =
        TRY(codec::parse_json(*output).context("answer of docker-credential-", name_));
    api::AuthConfig auth;
    auth.server_address = registry;
    auth.username = codec::get_string(json, "Username");
    auth.password = codec::get_string(json, "Secret");
    if (auth.username == "<token>") {
        auth.identity_token = std::exchange(auth.password, {});
        auth.username.clear();
    }
    return std::optional(std::move(auth));
}

Result<> CredentialHelper::store(const std::string& registry, const api::AuthConfig& auth) const {
    const bool is_token = !auth.identity_token.empty();
    codec::Json json = codec::Json::object();
    json["ServerURL"] = registry;
    json["Username"] = is_token ? "<token>" : auth.username;
    json["Secret"] = is_token ? auth.identity_token : auth.password;
    TRY(call("store", codec::dump_json(json)));
    return {};
}

Result<> CredentialHelper::erase(const std::string& registry) const {
    TRY(call("erase", registry));
    return {};
}

}  // namespace berth::cli
