#include <set>

#include "codec/json.h"
#include "compose/up.h"

namespace berth::compose {

namespace {

Result<std::optional<std::string>> find_image(const client::Client& client,
                                              const std::string& image) {
    auto found = client.inspect_image(image);
    if (found) return std::optional(codec::get_string(*found, "Id"));
    if (found.error().is(ErrorCode::NotFound)) return std::optional<std::string>();
    return std::move(found).error();
}

PullPolicy pull_policy(const Service& service, const UpOptions& options) {
    if (options.pull) return *options.pull;
    const codec::YamlNode* own = service.definition.find("pull_policy");
    if (!own) return PullPolicy::Missing;
    if (own->scalar == "always") return PullPolicy::Always;
    if (own->scalar == "never") return PullPolicy::Never;
    return PullPolicy::Missing;
}

bool must_build(const Service& service, const UpOptions& options, bool is_present) {
    if (!service.has_build() || options.no_build) return false;
    const codec::YamlNode* policy = service.definition.find("pull_policy");
    return options.build || !is_present || (policy && policy->scalar == "build");
}

}  // namespace

Result<std::map<std::string, std::string>> provide_images(const client::Client& client,
                                                          const Project& project,
                                                          const UpOptions& options) {
    std::map<std::string, std::string> ids;
    std::set<std::string> done;
    for (const auto& service : project.services) {
        const std::string image = service.image(project.name);
        auto present = TRY(find_image(client, image));
        const bool is_first = done.insert(image).second;
        if (is_first && must_build(service, options, present.has_value())) {
            TRY(options.build_image(service).context("build ", service.name));
            present = TRY(find_image(client, image));
        } else if (is_first && !service.has_build()) {
            const PullPolicy policy = pull_policy(service, options);
            if (policy == PullPolicy::Always || (policy == PullPolicy::Missing && !present)) {
                TRY(options.pull_image(service, image).context("service ", service.name));
                present = TRY(find_image(client, image));
            }
        }
        if (!present) {
            return Error(ErrorCode::NotFound,
                         concat("service ", service.name, ": no such image: ", image))
                .with_hint(service.has_build() ? "run with --build"
                                               : "pull it, or set pull_policy");
        }
        ids[service.name] = *present;
    }
    return ids;
}

}  // namespace berth::compose
