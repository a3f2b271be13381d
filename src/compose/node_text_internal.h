#pragma once
#include <string>
#include <string_view>

#include "codec/yaml.h"

namespace berth::compose {

/// The scalar under `key`, or empty text when there is none.
inline std::string text_of(const codec::YamlNode& node, std::string_view key) {
    const codec::YamlNode* value = node.find(key);
    return value ? value->scalar : std::string();
}

}  // namespace berth::compose
