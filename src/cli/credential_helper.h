#pragma once
#include <optional>
#include <string>

#include "api/auth.h"
#include "base/result.h"

namespace berth::cli {

/// A program "docker-credential-NAME" that keeps secrets: its verbs get, store and erase, with JSON
/// on standard input and output. github.com/docker/docker-credential-helpers, "Development".
class CredentialHelper {
public:
    explicit CredentialHelper(std::string name) : name_(std::move(name)) {}
    /// nullopt when it knows nothing of the registry. User name "<token>" marks an identity token.
    Result<std::optional<api::AuthConfig>> get(const std::string& registry) const;
    Result<> store(const std::string& registry, const api::AuthConfig& auth) const;
    Result<> erase(const std::string& registry) const;

private:
    Result<std::string> call(const std::string& verb, const std::string& input) const;
    std::string name_;
};

}  // namespace berth::cli
