#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "sys/cgroup.h"

namespace berth::sys {
namespace {

using Pairs = std::vector<std::pair<std::string, std::uint64_t>>;

std::uint64_t number(std::string_view text) {
    text = trim(text);
    if (text == "max") return std::uint64_t(1) << 63;
    return parse_uint(text).value_or(0);
}

// "key value" lines.
Pairs parse_flat(std::string_view text) {
    Pairs pairs;
    for (const auto& line : split(text, '\n')) {
        if (const auto pair = split_once(line, ' '))
            pairs.emplace_back(pair->first, number(pair->second));
    }
    return pairs;
}

std::uint64_t find(const Pairs& pairs, std::string_view key) {
    for (const auto& [name, value] : pairs) {
        if (name == key) return value;
    }
    return 0;
}

// A file that the kernel does not have (no swap accounting, say) counts as empty.
std::string read_or_empty(const Cgroup& cgroup, std::string_view controller,
                          const std::string& file) {
    return cgroup.read(controller, file).value_or(std::string());
}

CgroupStats::Io& io_of(std::vector<CgroupStats::Io>& io, std::string_view device) {
    const auto numbers = split_once(device, ':');
    const std::uint64_t major = numbers ? number(numbers->first) : 0;
    const std::uint64_t minor = numbers ? number(numbers->second) : 0;
    for (auto& entry : io) {
        if (entry.major == major && entry.minor == minor) return entry;
    }
    io.push_back({.major = major, .minor = minor});
    return io.back();
}

// io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..."
void read_v2_io(std::string_view text, CgroupStats& stats) {
    for (const auto& line : split(text, '\n')) {
        const auto fields = split(line, ' ');
        if (fields.size() < 2) continue;
        auto& io = io_of(stats.io, fields[0]);
        for (const auto& field : fields) {
            const auto pair = split_once(field, '=');
            if (!pair) continue;
            if (pair->first == "rbytes") io.read_bytes = number(pair->second);
            if (pair->first == "wbytes") io.write_bytes = number(pair->second);
            if (pair->first == "rios") io.reads = number(pair->second);
            if (pair->first == "wios") io.writes = number(pair->second);
        }
    }
}

// blkio.throttle.io_service_bytes: "8:0 Read 1"
void read_v1_io(std::string_view text, std::uint64_t CgroupStats::Io::*read,
                std::uint64_t CgroupStats::Io::*write, CgroupStats& stats) {
    for (const auto& line : split(text, '\n')) {
        const auto fields = split(line, ' ');
        if (fields.size() != 3) continue;
        if (fields[1] == "Read") io_of(stats.io, fields[0]).*read = number(fields[2]);
        if (fields[1] == "Write") io_of(stats.io, fields[0]).*write = number(fields[2]);
    }
}

CgroupStats read_v2(const Cgroup& cgroup) {
    CgroupStats stats;
    stats.is_v2 = true;
    const auto cpu = parse_flat(read_or_empty(cgroup, "", "cpu.stat"));
    stats.cpu_total_ns = find(cpu, "usage_usec") * 1000;
    stats.cpu_user_ns = find(cpu, "user_usec") * 1000;
    stats.cpu_system_ns = find(cpu, "system_usec") * 1000;
    stats.periods = find(cpu, "nr_periods");
    stats.throttled_periods = find(cpu, "nr_throttled");
    stats.throttled_ns = find(cpu, "throttled_usec") * 1000;
    stats.memory_usage = number(read_or_empty(cgroup, "", "memory.current"));
    stats.memory_peak = number(read_or_empty(cgroup, "", "memory.peak"));
    stats.memory_limit = number(read_or_empty(cgroup, "", "memory.max"));
    stats.swap_usage = number(read_or_empty(cgroup, "", "memory.swap.current"));
    stats.memory = parse_flat(read_or_empty(cgroup, "", "memory.stat"));
    const auto events = parse_flat(read_or_empty(cgroup, "", "memory.events"));
    stats.memory_failures = find(events, "max");
    stats.oom_kills = find(events, "oom_kill");
    stats.pids = number(read_or_empty(cgroup, "", "pids.current"));
    const std::string limit = read_or_empty(cgroup, "", "pids.max");
    stats.pids_limit = trim(limit) == "max" ? 0 : number(limit);
    read_v2_io(read_or_empty(cgroup, "", "io.stat"), stats);
    return stats;
}

CgroupStats read_v1(const Cgroup& cgroup) {
    CgroupStats stats;
    stats.cpu_total_ns = number(read_or_empty(cgroup, "cpuacct", "cpuacct.usage"));
    const auto cpu = parse_flat(read_or_empty(cgroup, "cpuacct", "cpuacct.stat"));
    const std::uint64_t tick_ns =
        1'000'000'000 / static_cast<std::uint64_t>(std::max(1L, sysconf(_SC_CLK_TCK)));
    stats.cpu_user_ns = find(cpu, "user") * tick_ns;
    stats.cpu_system_ns = find(cpu, "system") * tick_ns;
    const std::string per_cpu = read_or_empty(cgroup, "cpuacct", "cpuacct.usage_percpu");
    for (const auto& field : split(trim(per_cpu), ' ')) {
        if (!field.empty()) stats.per_cpu_ns.push_back(number(field));
    }
    const auto throttle = parse_flat(read_or_empty(cgroup, "cpu", "cpu.stat"));
    stats.periods = find(throttle, "nr_periods");
    stats.throttled_periods = find(throttle, "nr_throttled");
    stats.throttled_ns = find(throttle, "throttled_time");
    stats.memory_usage = number(read_or_empty(cgroup, "memory", "memory.usage_in_bytes"));
    stats.memory_peak = number(read_or_empty(cgroup, "memory", "memory.max_usage_in_bytes"));
    stats.memory_limit = number(read_or_empty(cgroup, "memory", "memory.limit_in_bytes"));
    stats.memory_failures = number(read_or_empty(cgroup, "memory", "memory.failcnt"));
    stats.oom_kills =
        find(parse_flat(read_or_empty(cgroup, "memory", "memory.oom_control")), "oom_kill");
    const std::uint64_t with_swap =
        number(read_or_empty(cgroup, "memory", "memory.memsw.usage_in_bytes"));
    stats.swap_usage = with_swap > stats.memory_usage ? with_swap - stats.memory_usage : 0;
    stats.memory = parse_flat(read_or_empty(cgroup, "memory", "memory.stat"));
    stats.pids = number(read_or_empty(cgroup, "pids", "pids.current"));
    const std::string limit = read_or_empty(cgroup, "pids", "pids.max");
    stats.pids_limit = trim(limit) == "max" ? 0 : number(limit);
    read_v1_io(read_or_empty(cgroup, "blkio", "blkio.throttle.io_service_bytes"),
               &CgroupStats::Io::read_bytes, &CgroupStats::Io::write_bytes, stats);
    read_v1_io(read_or_empty(cgroup, "blkio", "blkio.throttle.io_serviced"),
               &CgroupStats::Io::reads, &CgroupStats::Io::writes, stats);
    return stats;
}

}  // namespace

Result<CgroupStats> Cgroup::stats() const {
    if (places_.empty()) return fail(ErrorCode::NotFound, "the cgroup is gone");
    const bool is_v2 = places_.size() == 1 && places_.front().hierarchy.is_v2;
    return is_v2 ? read_v2(*this) : read_v1(*this);
}

}  // namespace berth::sys
