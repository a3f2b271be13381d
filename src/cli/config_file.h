#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/auth.h"
#include "base/result.h"
#include "client/host.h"

namespace berth::cli {

/// Docker's config.json: credentials, credential helpers, formats. Members that Berth does not know
/// stay as they are.
class ConfigFile {
public:
    /// The file in `folder`; absent reads as empty. Corrupted JSON is InvalidArgument with the
    /// file's name.
    static Result<ConfigFile> load(const std::string& folder);
    /// $BERTH_CONFIG, $DOCKER_CONFIG or ~/.docker.
    static std::string default_folder(const client::Environment& environment);
    ConfigFile(ConfigFile&&) noexcept;
    ConfigFile& operator=(ConfigFile&&) noexcept;
    ~ConfigFile();

    /// A top-level text such as "detachKeys" or "psFormat".
    std::string text(std::string_view name) const;
    /// The credential helper for a registry ("docker-credential-NAME"), or "".
    std::string helper_for(const std::string& registry) const;
    /// Credentials for a registry host, from its helper or from the file; empty when there are
    /// none.
    Result<api::AuthConfig> credentials(const std::string& registry) const;
    /// Every registry with credentials in the file itself or a helper of its own, for builds.
    std::vector<std::string> registries() const;
    /// A config.json with just the credentials of registries(), taken out of their helpers; "" when
    /// there are none. A helper that fails is left out.
    std::string plain_logins() const;
    Result<> store(const std::string& registry, const api::AuthConfig& auth);
    /// False when nothing was stored for it.
    Result<bool> erase(const std::string& registry);
    const std::string& path() const { return path_; }

private:
    explicit ConfigFile(std::string path);
    Result<> save() const;
    std::string path_;
    std::unique_ptr<nlohmann::ordered_json> json_;
};

/// "docker.io" and its spellings are kept under the address that Docker uses for them.
std::string registry_key(std::string_view registry);

}  // namespace berth::cli
