#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::sys {

/// A set of capabilities: bit n is capability number n. capabilities(7).
using CapabilityMask = std::uint64_t;

struct CapabilitySets {
    CapabilityMask bounding = 0;
    CapabilityMask effective = 0;
    CapabilityMask permitted = 0;
    CapabilityMask inheritable = 0;
    CapabilityMask ambient = 0;
};

/// "CAP_CHOWN" or "chown" -> number.
std::optional<int> parse_capability(std::string_view name);
/// 0 -> "CAP_CHOWN"; empty for an unknown number.
std::string_view capability_name(int number);
/// Names that are unknown are left out, as runtimes must do with those of a newer kernel.
CapabilityMask capability_mask(std::span<const std::string> names);
std::vector<std::string> capability_names(CapabilityMask mask);
/// The highest number this kernel knows.
int last_capability();
/// What this process has.
Result<CapabilitySets> current_capabilities();

/// Only the permitted set: one system call instead of eighty.
Result<CapabilityMask> permitted_capabilities();

/// Makes and reads files as somebody else, for as long as it lives and on this thread only: new
/// files are theirs, and the caller's capabilities stay. setfsuid(2).
class ActingAs {
public:
    static Result<ActingAs> begin(std::uint32_t uid, std::uint32_t gid);
    ActingAs(ActingAs&& other) noexcept;
    ActingAs& operator=(ActingAs&&) = delete;
    ~ActingAs();

private:
    ActingAs() = default;
    bool is_active_ = false;
    std::uint32_t own_uid_ = 0, own_gid_ = 0;
    CapabilityMask effective_ = 0;
};

/// This thread acts without one capability for as long as it lives; without effect on a thread
/// that does not have it.
class Without {
public:
    static Result<Without> begin(int capability);
    Without(Without&& other) noexcept : effective_(std::exchange(other.effective_, {})) {}
    Without& operator=(Without&&) = delete;
    ~Without();

private:
    explicit Without(CapabilityMask effective) : effective_(effective) {}
    std::optional<CapabilityMask> effective_;  ///< what it was before
};

/// Drops from the bounding set whatever is not in `mask`; needs CAP_SETPCAP.
Result<> limit_bounding_set(CapabilityMask mask);
/// Sets effective, permitted and inheritable, then ambient.
Result<> set_capabilities(const CapabilitySets& sets);
/// Whether permitted capabilities survive setuid. prctl(2) PR_SET_KEEPCAPS.
Result<> keep_capabilities(bool keep);

}  // namespace berth::sys
