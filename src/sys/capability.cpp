#include "sys/capability.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace berth::sys {
namespace {

// linux/capability.h, in the order of their numbers.
constexpr std::array<std::string_view, 41> names = {"CAP_CHOWN",
                                                    "CAP_DAC_OVERRIDE",
                                                    "CAP_DAC_READ_SEARCH",
                                                    "CAP_FOWNER",
                                                    "CAP_FSETID",
                                                    "CAP_KILL",
                                                    "CAP_SETGID",
                                                    "CAP_SETUID",
                                                    "CAP_SETPCAP",
                                                    "CAP_LINUX_IMMUTABLE",
                                                    "CAP_NET_BIND_SERVICE",
                                                    "CAP_NET_BROADCAST",
                                                    "CAP_NET_ADMIN",
                                                    "CAP_NET_RAW",
                                                    "CAP_IPC_LOCK",
                                                    "CAP_IPC_OWNER",
                                                    "CAP_SYS_MODULE",
                                                    "CAP_SYS_RAWIO",
                                                    "CAP_SYS_CHROOT",
                                                    "CAP_SYS_PTRACE",
                                                    "CAP_SYS_PACCT",
                                                    "CAP_SYS_ADMIN",
                                                    "CAP_SYS_BOOT",
                                                    "CAP_SYS_NICE",
                                                    "CAP_SYS_RESOURCE",
                                                    "CAP_SYS_TIME",
                                                    "CAP_SYS_TTY_CONFIG",
                                                    "CAP_MKNOD",
                                                    "CAP_LEASE",
                                                    "CAP_AUDIT_WRITE",
                                                    "CAP_AUDIT_CONTROL",
                                                    "CAP_SETFCAP",
                                                    "CAP_MAC_OVERRIDE",
                                                    "CAP_MAC_ADMIN",
                                                    "CAP_SYSLOG",
                                                    "CAP_WAKE_ALARM",
                                                    "CAP_BLOCK_SUSPEND",
                                                    "CAP_AUDIT_READ",
                                                    "CAP_PERFMON",
                                                    "CAP_BPF",
                                                    "CAP_CHECKPOINT_RESTORE"};

constexpr CapabilityMask bit(int number) { return CapabilityMask(1) << number; }

}  // namespace

std::optional<int> parse_capability(std::string_view name) {
    std::string upper = to_upper(name);
    if (!upper.starts_with("CAP_")) upper.insert(0, "CAP_");
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == upper) return static_cast<int>(i);
    }
    return std::nullopt;
}

std::string_view capability_name(int number) {
    return number >= 0 && number < static_cast<int>(names.size())
               ? names[static_cast<std::size_t>(number)]
               : "";
}

CapabilityMask capability_mask(std::span<const std::string> wanted) {
    CapabilityMask mask = 0;
    for (const auto& name : wanted) {
        if (const auto number = parse_capability(name)) mask |= bit(*number);
    }
    return mask;
}

std::vector<std::string> capability_names(CapabilityMask mask) {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (mask & bit(static_cast<int>(i))) result.emplace_back(names[i]);
    }
    return result;
}

int last_capability() {
    static const int last = [] {
        int number = 0;
        while (number < 63 && ::prctl(PR_CAPBSET_READ, number + 1, 0, 0, 0) >= 0) ++number;
        return number;
    }();
    return last;
}

Result<CapabilitySets> current_capabilities() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) < 0) return Error::from_errno("capget", errno);
    const auto join = [](std::uint32_t low, std::uint32_t high) {
        return low | CapabilityMask(high) << 32;
    };
    CapabilitySets sets;
    sets.effective = join(data[0].effective, data[1].effective);
    sets.permitted = join(data[0].permitted, data[1].permitted);
    sets.inheritable = join(data[0].inheritable, data[1].inheritable);
    for (int number = 0; number <= last_capability(); ++number) {
        if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) sets.bounding |= bit(number);
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) == 1)
            sets.ambient |= bit(number);
    }
    return sets;
}

Result<CapabilityMask> permitted_capabilities() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) < 0) return Error::from_errno("capget", errno);
    return data[0].permitted | CapabilityMask(data[1].permitted) << 32;
}

namespace {

// A change of the user takes or gives capabilities over files; this puts back what was.
Result<> restore_effective(CapabilityMask effective) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) < 0) return Error::from_errno("capget", errno);
    data[0].effective = static_cast<std::uint32_t>(effective);
    data[1].effective = static_cast<std::uint32_t>(effective >> 32);
    if (::syscall(SYS_capset, &header, data) < 0) return Error::from_errno("capset", errno);
    return {};
}

}  // namespace

Result<ActingAs> ActingAs::begin(std::uint32_t uid, std::uint32_t gid) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) < 0) return Error::from_errno("capget", errno);
    ActingAs out;
    out.effective_ = data[0].effective | CapabilityMask(data[1].effective) << 32;
    out.own_gid_ = static_cast<std::uint32_t>(::setfsgid(gid));
    out.own_uid_ = static_cast<std::uint32_t>(::setfsuid(uid));
    out.is_active_ = true;
    // Neither call tells of failure; asked with an id that cannot be, they tell what is.
    const bool is_done = static_cast<std::uint32_t>(::setfsuid(static_cast<uid_t>(-1))) == uid &&
                         static_cast<std::uint32_t>(::setfsgid(static_cast<gid_t>(-1))) == gid;
    if (!is_done) return Error::from_errno("setfsuid", EPERM);
    TRY(restore_effective(out.effective_));
    return out;
}

ActingAs::ActingAs(ActingAs&& other) noexcept
    : is_active_(std::exchange(other.is_active_, false)),
      own_uid_(other.own_uid_),
      own_gid_(other.own_gid_),
      effective_(other.effective_) {}

ActingAs::~ActingAs() {
    if (!is_active_) return;
    ::setfsuid(own_uid_);
    ::setfsgid(own_gid_);
    restore_effective(effective_).ignore("they were this thread's before");
}

Result<Without> Without::begin(int capability) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) < 0) return Error::from_errno("capget", errno);
    const CapabilityMask effective = data[0].effective | CapabilityMask(data[1].effective) << 32;
    TRY(restore_effective(effective & ~bit(capability)));
    return Without(effective);
}

Without::~Without() {
    if (effective_) restore_effective(*effective_).ignore("they were this thread's before");
}

Result<> limit_bounding_set(CapabilityMask mask) {
    // EINVAL is the first number that this kernel does not know.
    for (int number = 0; number < 64; ++number) {
        if (mask & bit(number)) continue;
        if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) return {};
        return Error::from_errno("prctl(PR_CAPBSET_DROP)", errno)
            .with_context(std::string(capability_name(number)));
    }
    return {};
}

Result<> set_capabilities(const CapabilitySets& sets) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const auto low = [](CapabilityMask mask) { return static_cast<std::uint32_t>(mask); };
    const auto high = [](CapabilityMask mask) { return static_cast<std::uint32_t>(mask >> 32); };
    const __user_cap_data_struct data[2] = {
        {low(sets.effective), low(sets.permitted), low(sets.inheritable)},
        {high(sets.effective), high(sets.permitted), high(sets.inheritable)}};
    if (::syscall(SYS_capset, &header, data) < 0) return Error::from_errno("capset", errno);
    // EINVAL: a kernel without ambient capabilities has none to clear.
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return Error::from_errno("prctl(PR_CAP_AMBIENT)", errno);
    if (sets.ambient == 0) return {};
    for (int number = 0; number < 64; ++number) {
        if (!(sets.ambient & bit(number))) continue;
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
            return Error::from_errno("prctl(PR_CAP_AMBIENT_RAISE)", errno)
                .with_context(std::string(capability_name(number)));
    }
    return {};
}

Result<> keep_capabilities(bool keep) {
    if (::prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0) < 0)
        return Error::from_errno("prctl(PR_SET_KEEPCAPS)", errno);
    return {};
}

}  // namespace berth::sys
