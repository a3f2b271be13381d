#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::oci {

/// An operating system and processor in Go's words: linux/amd64, linux/arm/v7. image-spec v1.1,
/// image-index.md "platform".
struct Platform {
    std::string os;
    std::string architecture;
    std::string variant;
    std::string os_version;
    std::vector<std::string> os_features;
    bool operator==(const Platform&) const = default;

    /// "linux/amd64", "linux/arm/v7", "arm64", "linux": what is missing is taken from this machine;
    /// aliases such as x86_64 and aarch64 are understood. InvalidArgument for anything else.
    static Result<Platform> parse(std::string_view text);
    /// What this machine runs.
    static Platform host();
    bool is_empty() const { return os.empty() && architecture.empty(); }
    /// "os/architecture[/variant]".
    std::string to_string() const;
};

/// Canonical names: aliases resolved, default variants (arm64/v8, amd64/v1) dropped, arm gets v7.
Platform normalise(Platform platform);
/// How well content of `candidate` suits a machine of `wanted`: 0 does not run, more is better. An
/// exact match is best; arm/v7 also runs v6 and v5, amd64 also 386.
int match(const Platform& wanted, const Platform& candidate);
/// Whether both name one platform, however they spell it (arm64 is arm64/v8). What would only run
/// as well is another one.
bool is_same(const Platform& a, const Platform& b);

}  // namespace berth::oci
