#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"
#include "oci/platform.h"

namespace berth::oci {

using Annotations = std::vector<std::pair<std::string, std::string>>;

/// Names content: what it is, its digest and size in bytes. image-spec v1.1, descriptor.md.
struct Descriptor {
    std::string media_type;
    Digest digest;
    std::int64_t size = 0;
    Annotations annotations;
    std::optional<Platform> platform;
    std::string artifact_type;
    std::vector<std::string> urls;
    bool operator==(const Descriptor&) const = default;

    /// The value of an annotation, or "".
    std::string annotation(std::string_view key) const;
    /// As JSON text, in the specification's order of members.
    std::string to_json() const;
    static Result<Descriptor> parse(std::string_view json);
};

}  // namespace berth::oci
