#include "engine/reload.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/options.h"

namespace berth::engine {

using codec::Json;

namespace {
constexpr std::array<std::string_view, 10> reloadable{"debug",
                                                      "insecure-registries",
                                                      "labels",
                                                      "layer-blobs",
                                                      "log-level",
                                                      "max-concurrent-downloads",
                                                      "max-concurrent-uploads",
                                                      "registry-mirrors",
                                                      "storage-keep-free",
                                                      "storage-max"};

bool has_effect(std::string_view key) {
    return std::ranges::any_of(options(), [&](const Option& option) {
        return option.key == key && option.effect == OptionEffect::Used;
    });
}

const Json* value_of(const Json& settings, const std::string& key) {
    const auto found = settings.find(key);
    return found == settings.end() ? nullptr : &*found;
}

bool is_same(const Json* a, const Json* b) { return a && b ? *a == *b : a == b; }
}  // namespace

Reload plan_reload(const Json& now, const Json& wanted) {
    Reload plan{.settings = now};
    std::set<std::string> keys;
    for (const Json* settings : {&now, &wanted})
        for (const auto& [key, value] : settings->items()) keys.insert(key);
    for (const auto& key : keys) {
        const Json* value = value_of(wanted, key);
        if (is_same(value_of(now, key), value)) continue;
        if (std::ranges::find(reloadable, key) == reloadable.end()) {
            if (has_effect(key)) plan.need_restart.push_back(key);
            continue;
        }
        plan.changed.push_back(key);
        if (value)
            plan.settings[key] = *value;
        else
            plan.settings.erase(key);
    }
    return plan;
}

}  // namespace berth::engine
