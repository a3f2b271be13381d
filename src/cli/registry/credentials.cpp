#include "cli/registry/credentials.h"

#include "oci/reference.h"

namespace berth::cli {

Result<api::AuthConfig> credentials_for_image(Context& context, const std::string& reference) {
    const auto parsed = TRY(oci::Reference::parse(reference));
    ConfigFile* config = TRY(context.config());
    return config->credentials(parsed.domain());
}

Result<std::map<std::string, api::AuthConfig>> all_logins(Context& context) {
    const ConfigFile* config = TRY(context.config());
    std::map<std::string, api::AuthConfig> out;
    for (const auto& registry : config->registries()) {
        auto auth = config->credentials(registry);
        if (auth && !auth->is_empty()) out[registry] = std::move(*auth);
    }
    return out;
}

}  // namespace berth::cli
