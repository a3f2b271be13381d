#include "compose/observed.h"

#include <algorithm>

#include "codec/json.h"
#include "compose/labels.h"

namespace berth::compose {

using codec::Json;

ObservedContainer to_observed(const Json& listed) {
    ObservedContainer out;
    out.id = codec::get_string(listed, "Id");
    const auto names = codec::get_strings(listed, "Names");
    if (!names.empty())
        out.name = names.front().starts_with('/') ? names.front().substr(1) : names.front();
    out.image_id = codec::get_string(listed, "ImageID");
    out.state = codec::get_string(listed, "State");
    if (const Json* labels = codec::find_member(listed, "Labels")) {
        out.service = codec::get_string(*labels, label::service);
        out.config_hash = codec::get_string(*labels, label::config_hash);
        out.number =
            static_cast<int>(parse_int(codec::get_string(*labels, label::number)).value_or(0));
        out.is_oneoff = codec::get_string(*labels, label::oneoff) == "True";
        const std::string recorded = codec::get_string(*labels, label::image);
        if (!recorded.empty()) out.image_id = recorded;
    }
    return out;
}

Result<std::vector<ObservedContainer>> observe_containers(const client::Client& client,
                                                          const std::string& project,
                                                          bool with_oneoff) {
    client::ListContainersOptions options;
    options.all = true;
    options.filters.add("label", concat(label::project, "=", project));
    if (!with_oneoff) options.filters.add("label", concat(label::oneoff, "=False"));
    const Json listed = TRY(client.list_containers(options));
    std::vector<ObservedContainer> out;
    for (const auto& container : listed) out.push_back(to_observed(container));
    std::sort(out.begin(), out.end(), [](const ObservedContainer& a, const ObservedContainer& b) {
        return std::tie(a.service, a.number, a.name) < std::tie(b.service, b.number, b.name);
    });
    return out;
}

}  // namespace berth::compose
