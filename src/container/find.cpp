#include <algorithm>

#include "container/implementation_internal.h"

namespace berth::container {

Result<ContainerPtr> Containers::Implementation::find(std::string_view key) const {
    if (key.starts_with('/')) key.remove_prefix(1);
    auto index = index_.lock();
    if (const auto exact = index->by_id.find(std::string(key)); exact != index->by_id.end())
        return exact->second;
    if (const auto named = index->by_name.find(key); named != index->by_name.end()) {
        if (const auto found = index->by_id.find(named->second); found != index->by_id.end())
            return found->second;
    }
    if (!key.empty()) {
        const auto first = index->by_id.lower_bound(std::string(key));
        if (first != index->by_id.end() && first->first.starts_with(key)) {
            const auto second = std::next(first);
            if (second == index->by_id.end() || !second->first.starts_with(key))
                return first->second;
            return fail(ErrorCode::InvalidArgument,
                        "multiple IDs found with provided prefix: ", key);
        }
    }
    return fail(ErrorCode::NotFound, "No such container: ", key);
}

std::vector<ContainerPtr> Containers::Implementation::all() const {
    std::vector<ContainerPtr> out;
    {
        auto index = index_.lock();
        for (const auto& [id, container] : index->by_id) out.push_back(container);
    }
    std::ranges::sort(out, std::ranges::greater(),
                      [](const ContainerPtr& c) { return c->created_at; });
    return out;
}

Result<std::string> Containers::find_id(std::string_view key) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    return container->id;
}

bool has_own_network(const ContainerSpec& spec) {
    return spec.host.network_mode != "host" && !spec.host.network_mode.starts_with("container:");
}

std::string normal_network(const std::string& mode) {
    return mode.empty() || mode == "default" ? "bridge" : mode;
}

}  // namespace berth::container
