#include "runtime/cgroup_plan.h"

#include <algorithm>

#include "base/text.h"

namespace berth::runtime {
namespace {

class Plan {
public:
    explicit Plan(std::string controller) : controller_(std::move(controller)) {}
    template <typename T>
    void add(const std::string& file, const T& value) {
        writes_.push_back({.controller = controller_, .file = file, .value = concat(value)});
    }
    template <typename T>
    void add(const std::string& file, const std::optional<T>& value) {
        if (value) add(file, *value);
    }
    void add(const std::string& file, const std::string& value) {
        if (!value.empty())
            writes_.push_back({.controller = controller_, .file = file, .value = value});
    }
    void use(std::string controller) { controller_ = std::move(controller); }
    std::vector<CgroupWrite> take() && { return std::move(writes_); }

private:
    std::string controller_;
    std::vector<CgroupWrite> writes_;
};

std::string max_or(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

template <typename T>
std::string device_value(const T& device, std::uint64_t value) {
    return concat(device.major, ':', device.minor, ' ', value);
}

void plan_v1_memory(const oci::RuntimeMemory& memory, Plan& plan) {
    plan.use("memory");
    plan.add("memory.limit_in_bytes", memory.limit);
    plan.add("memory.memsw.limit_in_bytes", memory.swap);
    plan.add("memory.soft_limit_in_bytes", memory.reservation);
    plan.add("memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp);
    plan.add("memory.swappiness", memory.swappiness);
    if (memory.disable_oom_killer)
        plan.add("memory.oom_control", *memory.disable_oom_killer ? 1 : 0);
}

void plan_v1_cpu(const oci::RuntimeCpu& cpu, Plan& plan) {
    plan.use("cpu");
    if (cpu.shares.value_or(0) != 0) plan.add("cpu.shares", *cpu.shares);
    // The kernel checks the quota against the period, so the period comes first.
    if (cpu.period.value_or(0) != 0) plan.add("cpu.cfs_period_us", *cpu.period);
    if (cpu.quota.value_or(0) != 0) plan.add("cpu.cfs_quota_us", *cpu.quota);
    plan.add("cpu.cfs_burst_us", cpu.burst);
    if (cpu.realtime_period.value_or(0) != 0) plan.add("cpu.rt_period_us", *cpu.realtime_period);
    if (cpu.realtime_runtime.value_or(0) != 0) plan.add("cpu.rt_runtime_us", *cpu.realtime_runtime);
    plan.add("cpu.idle", cpu.idle);
    plan.use("cpuset");
    plan.add("cpuset.cpus", cpu.cpus);
    plan.add("cpuset.mems", cpu.mems);
}

void plan_v1_io(const oci::RuntimeBlockIo& io, Plan& plan) {
    plan.use("blkio");
    if (io.weight.value_or(0) != 0) plan.add("blkio.bfq.weight", *io.weight);
    if (io.leaf_weight.value_or(0) != 0) plan.add("blkio.leaf_weight", *io.leaf_weight);
    for (const auto& device : io.weight_devices) {
        if (device.weight)
            plan.add("blkio.bfq.weight_device", device_value(device, *device.weight));
        if (device.leaf_weight)
            plan.add("blkio.leaf_weight_device", device_value(device, *device.leaf_weight));
    }
    for (const auto& device : io.read_bps)
        plan.add("blkio.throttle.read_bps_device", device_value(device, device.rate));
    for (const auto& device : io.write_bps)
        plan.add("blkio.throttle.write_bps_device", device_value(device, device.rate));
    for (const auto& device : io.read_iops)
        plan.add("blkio.throttle.read_iops_device", device_value(device, device.rate));
    for (const auto& device : io.write_iops)
        plan.add("blkio.throttle.write_iops_device", device_value(device, device.rate));
}

void plan_v2_memory(const oci::RuntimeMemory& memory, Plan& plan) {
    if (memory.limit.value_or(0) != 0) plan.add("memory.max", max_or(*memory.limit));
    if (memory.reservation.value_or(0) != 0) plan.add("memory.low", max_or(*memory.reservation));
    if (memory.swap.value_or(0) == 0) return;
    // The specification counts memory and swap together, v2 counts swap alone.
    const std::int64_t limit = memory.limit.value_or(0);
    plan.add("memory.swap.max",
             *memory.swap < 0 ? "max" : max_or(std::max<std::int64_t>(0, *memory.swap - limit)));
}

// cpu.shares 2..262144 onto cpu.weight 1..10000, as every runtime does it.
std::uint64_t weight_of_shares(std::uint64_t shares) {
    const std::uint64_t clamped = std::clamp<std::uint64_t>(shares, 2, 262144);
    return 1 + (clamped - 2) * 9999 / 262142;
}

void plan_v2_cpu(const oci::RuntimeCpu& cpu, Plan& plan) {
    if (cpu.shares.value_or(0) != 0) plan.add("cpu.weight", weight_of_shares(*cpu.shares));
    if (cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0) {
        const std::int64_t quota = cpu.quota.value_or(0);
        plan.add("cpu.max", concat(quota > 0 ? std::to_string(quota) : "max", ' ',
                                   cpu.period.value_or(0) ? *cpu.period : 100000));
    }
    plan.add("cpu.max.burst", cpu.burst);
    plan.add("cpu.idle", cpu.idle);
    plan.add("cpuset.cpus", cpu.cpus);
    plan.add("cpuset.mems", cpu.mems);
}

std::uint64_t io_weight(std::uint64_t weight) {
    return 1 + (std::clamp<std::uint64_t>(weight, 10, 1000) - 10) * 9999 / 990;
}

void plan_v2_io(const oci::RuntimeBlockIo& io, Plan& plan) {
    if (io.weight.value_or(0) != 0)
        plan.add("io.weight", concat("default ", io_weight(*io.weight)));
    for (const auto& device : io.weight_devices) {
        if (device.weight) plan.add("io.weight", device_value(device, io_weight(*device.weight)));
    }
    const auto throttle = [&](const std::vector<oci::RuntimeThrottleDevice>& devices,
                              std::string_view key) {
        for (const auto& device : devices)
            plan.add("io.max", concat(device.major, ':', device.minor, ' ', key, '=', device.rate));
    };
    throttle(io.read_bps, "rbps");
    throttle(io.write_bps, "wbps");
    throttle(io.read_iops, "riops");
    throttle(io.write_iops, "wiops");
}

}  // namespace

namespace {

// The file and its words are the same in both versions.
void plan_rdma(const oci::RuntimeResources& resources, Plan& plan) {
    plan.use("rdma");
    for (const auto& [device, limits] : resources.rdma) {
        std::string line = device;
        if (limits.hca_handles) line += concat(" hca_handle=", *limits.hca_handles);
        if (limits.hca_objects) line += concat(" hca_object=", *limits.hca_objects);
        plan.add("rdma.max", line);
    }
}

}  // namespace

std::vector<CgroupWrite> plan_v1(const oci::RuntimeResources& resources) {
    Plan plan("memory");
    plan_v1_memory(resources.memory, plan);
    plan_v1_cpu(resources.cpu, plan);
    plan.use("pids");
    if (resources.pids_limit.value_or(0) != 0) plan.add("pids.max", max_or(*resources.pids_limit));
    plan_v1_io(resources.block_io, plan);
    plan.use("hugetlb");
    for (const auto& limit : resources.hugepages)
        plan.add(concat("hugetlb.", limit.page_size, ".limit_in_bytes"), limit.limit);
    plan_rdma(resources, plan);
    plan.use("net_cls");
    if (resources.network_class.value_or(0) != 0)
        plan.add("net_cls.classid", *resources.network_class);
    plan.use("net_prio");
    for (const auto& [name, priority] : resources.network_priorities)
        plan.add("net_prio.ifpriomap", concat(name, ' ', priority));
    return std::move(plan).take();
}

std::vector<CgroupWrite> plan_v2(const oci::RuntimeResources& resources) {
    Plan plan("");
    plan_v2_memory(resources.memory, plan);
    plan_v2_cpu(resources.cpu, plan);
    if (resources.pids_limit.value_or(0) != 0) plan.add("pids.max", max_or(*resources.pids_limit));
    plan_v2_io(resources.block_io, plan);
    for (const auto& limit : resources.hugepages)
        plan.add(concat("hugetlb.", limit.page_size, ".max"), limit.limit);
    for (const auto& [file, value] : resources.unified) plan.add(file, value);
    plan_rdma(resources, plan);
    return std::move(plan).take();
}

namespace {

sys::DeviceRule allow(char type, std::optional<std::int64_t> major,
                      std::optional<std::int64_t> minor, std::string access = "rwm") {
    return {
        .allow = true, .type = type, .major = major, .minor = minor, .access = std::move(access)};
}

}  // namespace

std::vector<sys::DeviceRule> plan_devices(const oci::RuntimeResources& resources) {
    std::vector<sys::DeviceRule> rules = {{.allow = false}};
    for (const auto& rule : resources.devices) {
        const char type = rule.type.empty() ? 'a' : rule.type.front();
        const bool is_everything =
            type == 'a' && rule.access.find_first_not_of("rwm") == std::string::npos;
        // Whatever came before a rule on everything no longer matters.
        if (is_everything) rules.clear();
        rules.push_back({.allow = rule.allow,
                         .type = type == 'u' ? 'c' : type,
                         .major = rule.major,
                         .minor = rule.minor,
                         .access = rule.access});
    }
    if (rules.size() == 1 && rules.front().allow && rules.front().type == 'a') return rules;
    const std::vector<sys::DeviceRule> usual = {
        allow('c', {}, {}, "m"), allow('b', {}, {}, "m"), allow('c', 1, 3),   allow('c', 1, 5),
        allow('c', 1, 7),        allow('c', 1, 8),        allow('c', 1, 9),   allow('c', 5, 0),
        allow('c', 5, 1),        allow('c', 5, 2),        allow('c', 136, {})};
    // The last one that matches counts: what is there after the last refusal need not be said
    // again.
    const auto refusals_end =
        std::find_if(rules.rbegin(), rules.rend(), [](const sys::DeviceRule& rule) {
            return !rule.allow;
        }).base();
    const std::vector<sys::DeviceRule> given(refusals_end, rules.end());
    for (const auto& rule : usual)
        if (std::ranges::find(given, rule) == given.end()) rules.push_back(rule);
    return rules;
}

std::string cgroup_path(const std::string& cgroups_path, const std::string& fallback) {
    if (cgroups_path.empty()) return "/" + fallback;
    const auto parts = split(cgroups_path, ':');
    if (parts.size() == 3 && !cgroups_path.starts_with('/')) {
        // "a-b.slice" lies in "a.slice".
        std::string slices;
        const std::string slice = parts[0].empty() ? "system.slice" : parts[0];
        const std::string stem =
            slice.ends_with(".slice") ? slice.substr(0, slice.size() - 6) : slice;
        for (std::size_t at = stem.find('-'); at != std::string::npos; at = stem.find('-', at + 1))
            slices += '/' + stem.substr(0, at) + ".slice";
        slices += '/' + stem + ".slice";
        return concat(slices, '/', parts[1].empty() ? "" : parts[1] + "-", parts[2], ".scope");
    }
    return cgroups_path.starts_with('/') ? cgroups_path : "/" + cgroups_path;
}

}  // namespace berth::runtime
