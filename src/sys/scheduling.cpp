#include "sys/scheduling.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>

#include "base/text.h"

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5
#endif
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6
#endif

namespace berth::sys {
namespace {

struct KernelName {
    std::string_view text;
    std::uint64_t value;
};

constexpr KernelName policies[] = {{"SCHED_OTHER", 0},   {"SCHED_FIFO", 1}, {"SCHED_RR", 2},
                                   {"SCHED_BATCH", 3},   {"SCHED_ISO", 4},  {"SCHED_IDLE", 5},
                                   {"SCHED_DEADLINE", 6}};
constexpr KernelName scheduler_flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 1},  {"SCHED_FLAG_RECLAIM", 2},
    {"SCHED_FLAG_DL_OVERRUN", 4},     {"SCHED_FLAG_KEEP_POLICY", 8},
    {"SCHED_FLAG_KEEP_PARAMS", 16},   {"SCHED_FLAG_UTIL_CLAMP_MIN", 32},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 64}};
constexpr KernelName memory_modes[] = {{"MPOL_DEFAULT", MPOL_DEFAULT},
                                       {"MPOL_PREFERRED", MPOL_PREFERRED},
                                       {"MPOL_BIND", MPOL_BIND},
                                       {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
                                       {"MPOL_LOCAL", MPOL_LOCAL},
                                       {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
                                       {"MPOL_WEIGHTED_INTERLEAVE", MPOL_WEIGHTED_INTERLEAVE}};
constexpr KernelName memory_flags[] = {{"MPOL_F_STATIC_NODES", 1 << 15},
                                       {"MPOL_F_RELATIVE_NODES", 1 << 14},
                                       {"MPOL_F_NUMA_BALANCING", 1 << 13}};

Result<std::uint64_t> value_of(std::span<const KernelName> names, std::string_view text,
                               std::string_view what) {
    for (const auto& name : names) {
        if (name.text == text) return name.value;
    }
    return fail(ErrorCode::InvalidArgument, "unknown ", what, " ", text);
}

Result<std::uint64_t> values_of(std::span<const KernelName> names,
                                const std::vector<std::string>& texts, std::string_view what) {
    std::uint64_t all = 0;
    for (const auto& text : texts) all |= TRY(value_of(names, text, what));
    return all;
}

// glibc of Debian 12 does not declare it. sched_setattr(2).
struct SchedulerAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
};

}  // namespace

Result<> set_scheduler(const SchedulerRequest& request) {
    SchedulerAttributes attributes{};
    attributes.size = sizeof(attributes);
    attributes.policy =
        static_cast<std::uint32_t>(TRY(value_of(policies, request.policy, "scheduler policy")));
    attributes.flags = TRY(values_of(scheduler_flags, request.flags, "scheduler flag"));
    attributes.nice = request.nice;
    attributes.priority = request.priority;
    attributes.runtime = request.runtime;
    attributes.deadline = request.deadline;
    attributes.period = request.period;
    if (::syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
        return Error::from_errno("sched_setattr", errno).with_context(request.policy);
    return {};
}

// As in ioprio_set(2); <linux/ioprio.h> is not C++ in every update of Debian's kernel headers.
namespace {
constexpr int io_class_shift = 13;
constexpr int io_who_process = 1;
}  // namespace

Result<> set_io_priority(std::string_view io_class, int priority) {
    static constexpr KernelName classes[] = {
        {"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};
    const auto number = static_cast<int>(TRY(value_of(classes, io_class, "I/O priority class")));
    if (priority < 0 || priority > 7)
        return fail(ErrorCode::InvalidArgument, "the I/O priority ", priority,
                    " is not between 0 and 7");
    if (::syscall(SYS_ioprio_set, io_who_process, 0, (number << io_class_shift) | priority) < 0)
        return Error::from_errno("ioprio_set", errno).with_context(std::string(io_class));
    return {};
}

namespace {
constexpr unsigned max_number = 8192;

struct Range {
    std::uint64_t first;
    std::uint64_t last;
};

std::optional<Range> parse_range(std::string_view text) {
    const auto pair = split_once(text, '-');
    const auto first = parse_uint(pair ? pair->first : text);
    const auto last = pair ? parse_uint(pair->second) : first;
    if (!first || !last || *last < *first || *last >= max_number) return std::nullopt;
    return Range{.first = *first, .last = *last};
}
}  // namespace

Result<std::vector<unsigned>> parse_number_list(std::string_view text) {
    std::vector<unsigned> numbers;
    for (const auto& part : split(text, ',')) {
        const auto range = parse_range(trim(part));
        if (!range)
            return fail(ErrorCode::InvalidArgument, "\"", text, "\" is not a list such as 0-3,7");
        for (std::uint64_t number = range->first; number <= range->last; ++number)
            numbers.push_back(static_cast<unsigned>(number));
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

namespace {

using Mask = std::array<unsigned long, max_number / (8 * sizeof(unsigned long))>;

Mask mask_of(const std::vector<unsigned>& numbers) {
    Mask mask{};
    constexpr unsigned bits = 8 * sizeof(unsigned long);
    for (const unsigned number : numbers) mask[number / bits] |= 1UL << number % bits;
    return mask;
}

}  // namespace

Result<> set_cpu_affinity(std::string_view cpus) {
    const Mask mask = mask_of(TRY(parse_number_list(cpus)));
    if (::syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask.data()) < 0)
        return Error::from_errno("sched_setaffinity", errno).with_context(std::string(cpus));
    return {};
}

Result<> set_memory_policy(const MemoryPolicy& policy) {
    const std::uint64_t mode = TRY(value_of(memory_modes, policy.mode, "memory policy"));
    const std::uint64_t flags = TRY(values_of(memory_flags, policy.flags, "memory policy flag"));
    Mask mask{};
    if (!policy.nodes.empty()) mask = mask_of(TRY(parse_number_list(policy.nodes)));
    // The kernel takes at most as many nodes as it was built for, and more only when those bits are
    // zero.
    const unsigned long* nodes = policy.nodes.empty() ? nullptr : mask.data();
    const unsigned long count = policy.nodes.empty() ? 0 : 1024 + 1;
    if (::syscall(SYS_set_mempolicy, static_cast<int>(mode | flags), nodes, count) < 0)
        return Error::from_errno("set_mempolicy", errno).with_context(policy.mode);
    return {};
}

Result<> set_personality(std::string_view domain) {
    static constexpr KernelName domains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};
    const auto value = TRY(value_of(domains, domain, "personality"));
    if (::personality(value) < 0) return Error::from_errno("personality", errno);
    return {};
}

}  // namespace berth::sys
