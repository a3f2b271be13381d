#include <time.h>

#include "base/text.h"
#include "sys/cgroup_internal.h"

namespace berth::sys {
namespace {

constexpr int freeze_patience_ms = 2000;

Result<FreezeState> v2_state(const Cgroup& cgroup) {
    const std::string events = TRY(cgroup.read("", "cgroup.events"));
    const bool is_frozen = events.find("frozen 1") != std::string::npos;
    if (is_frozen) return FreezeState::Frozen;
    const std::string wanted = TRY(cgroup.read("", "cgroup.freeze"));
    return trim(wanted) == "1" ? FreezeState::Freezing : FreezeState::Thawed;
}

Result<FreezeState> v1_state(const Cgroup& cgroup) {
    const std::string state = TRY(cgroup.read("freezer", "freezer.state"));
    if (trim(state) == "FROZEN") return FreezeState::Frozen;
    return trim(state) == "FREEZING" ? FreezeState::Freezing : FreezeState::Thawed;
}

bool has_v1_freezer(const Cgroup& cgroup) {
    for (const auto& place : cgroup.places()) {
        if (!place.hierarchy.is_v2 && place.hierarchy.has("freezer")) return true;
    }
    return false;
}

}  // namespace

Result<FreezeState> Cgroup::freeze_state() const {
    return has_v1_freezer(*this) ? v1_state(*this) : v2_state(*this);
}

Result<> set_frozen(const Cgroup& cgroup, bool frozen) {
    const bool is_v1 = has_v1_freezer(cgroup);
    const auto wanted = frozen ? FreezeState::Frozen : FreezeState::Thawed;
    for (int attempt = 0; attempt < freeze_patience_ms; ++attempt) {
        // The v1 freezer gives up on a process that forks at the wrong moment until it is asked
        // again.
        if (is_v1) {
            TRY(cgroup.write("freezer", "freezer.state", frozen ? "FROZEN" : "THAWED"));
        } else if (attempt == 0) {
            TRY(cgroup.write("", "cgroup.freeze", frozen ? "1" : "0"));
        }
        if (TRY(cgroup.freeze_state()) == wanted) return {};
        const timespec millisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
        ::nanosleep(&millisecond, nullptr);
    }
    return fail(ErrorCode::TimedOut, "cgroup ", cgroup.path(),
                frozen ? " does not freeze" : " does not thaw");
}

}  // namespace berth::sys
