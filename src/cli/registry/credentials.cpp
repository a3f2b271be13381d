#include "cli/registry/credentials.h"

#include "oci/reference.h"

namespace berth::cli {

Result<api::AuthConfig> credentials_for_image(Context& context, const std::string& reference) {
    const auto parsed = TRY(oci::Reference::parse(reference));
    ConfigFile* config = TRY(context.config());
    return config->credentials(parsed.domain());
}

}  // namespace berth::cli
