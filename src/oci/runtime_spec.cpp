#include "oci/runtime_spec.h"

#include "base/text.h"

namespace berth::oci {

const RuntimeNamespace* RuntimeLinux::find_namespace(std::string_view type) const {
    for (const auto& entry : namespaces) {
        if (entry.type == type) return &entry;
    }
    return nullptr;
}

const std::string* RuntimeSpec::find_annotation(std::string_view key) const {
    for (const auto& [name, value] : annotations) {
        if (name == key) return &value;
    }
    return nullptr;
}

}  // namespace berth::oci
