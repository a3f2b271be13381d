#include "runtime/cgroup_plan.h"
#include "runtime/launch.h"

namespace berth::runtime {
namespace {

// A v1 memory limit may neither exceed the limit of memory and swap nor the other way round, so
// which goes first depends on the values before: whichever order the kernel takes is right.
Result<> write_memory_pair(const sys::Cgroup& cgroup, const CgroupWrite& memory,
                           const CgroupWrite& swap) {
    Result<> first = cgroup.write(memory.controller, memory.file, memory.value);
    if (first) return cgroup.write(swap.controller, swap.file, swap.value);
    TRY(cgroup.write(swap.controller, swap.file, swap.value));
    return cgroup.write(memory.controller, memory.file, memory.value);
}

bool is_v2_only(const sys::Cgroup& cgroup) {
    return cgroup.places().size() == 1 && cgroup.places().front().hierarchy.is_v2;
}

// Weights have other names without the BFQ scheduler; what only older kernels had is not missed.
struct OtherName {
    std::string_view file;
    std::string_view instead;  ///< empty: nothing
};
constexpr OtherName other_names[] = {{"blkio.bfq.weight", "blkio.weight"},
                                     {"blkio.bfq.weight_device", "blkio.weight_device"},
                                     {"blkio.leaf_weight", ""},
                                     {"blkio.leaf_weight_device", ""},
                                     {"memory.kmem.tcp.limit_in_bytes", ""}};

Result<> write_one(const sys::Cgroup& cgroup, const CgroupWrite& write) {
    Result<> done = cgroup.write(write.controller, write.file, write.value);
    if (!done.is_error()) return done;
    for (const auto& name : other_names) {
        if (name.file != write.file) continue;
        if (name.instead.empty() && done.error().is(ErrorCode::NotFound)) return {};
        if (!name.instead.empty())
            return cgroup.write(write.controller, std::string(name.instead), write.value);
    }
    return done;
}

// memory.checkBeforeUpdate: a limit below what is in use would have the kernel kill at once.
Result<> check_usage(const sys::Cgroup& cgroup, const oci::RuntimeMemory& memory) {
    if (!memory.check_before_update.value_or(false) || memory.limit.value_or(0) <= 0) return {};
    const auto usage = TRY(cgroup.stats()).memory_usage;
    if (usage <= static_cast<std::uint64_t>(*memory.limit)) return {};
    return fail(ErrorCode::InvalidArgument, "the memory limit of ", *memory.limit,
                " bytes is below the ", usage, " bytes in use (memory.checkBeforeUpdate is set)");
}

}  // namespace

Result<> apply_resources(const sys::Cgroup& cgroup, const oci::RuntimeResources& resources) {
    TRY(check_usage(cgroup, resources.memory));
    const auto writes = is_v2_only(cgroup) ? plan_v2(resources) : plan_v1(resources);
    for (std::size_t i = 0; i < writes.size(); ++i) {
        const bool is_pair = writes[i].file == "memory.limit_in_bytes" && i + 1 < writes.size() &&
                             writes[i + 1].file == "memory.memsw.limit_in_bytes";
        if (is_pair) {
            TRY(write_memory_pair(cgroup, writes[i], writes[i + 1]));
            ++i;
        } else {
            TRY(write_one(cgroup, writes[i]));
        }
    }
    return {};
}

Result<sys::Cgroup> make_cgroup(const oci::RuntimeSpec& spec, const std::string& fallback) {
    const auto layout = TRY(sys::cgroup_layout());
    const std::string path = cgroup_path(spec.linux_config.cgroups_path, fallback);
    sys::Cgroup cgroup = TRY(sys::Cgroup::create(layout, path));
    const auto limit = [&]() -> Result<> {
        TRY(apply_resources(cgroup, spec.linux_config.resources));
        return sys::set_device_rules(cgroup, plan_devices(spec.linux_config.resources));
    };
    Result<> limited = limit();
    if (limited.is_error()) {
        cgroup.remove().ignore("what made it useless is reported instead");
        return std::move(limited).error();
    }
    return cgroup;
}

}  // namespace berth::runtime
