#include <unistd.h>

#include "container/implementation_internal.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace berth::container {
namespace {

// Jiffies of all processors together, in ns: the measure that `cpu_total` is compared with.
std::uint64_t system_cpu_time() {
    const std::string text = sys::read_file("/proc/stat", 1 << 20).value_or("");
    const std::string line = text.substr(0, text.find('\n'));
    std::uint64_t jiffies = 0;
    int field = 0;
    for (const std::string& word : split(line, ' ')) {
        // user nice system idle iowait irq softirq steal; guest time is within user.
        const auto number = parse_uint(word);
        if (number && field++ < 8) jiffies += *number;
    }
    return jiffies * (1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

// "  eth0: 1 2 3 ..." of /proc/<pid>/net/dev.
std::vector<StatsSample::Interface> read_interfaces(int pid) {
    std::vector<StatsSample::Interface> out;
    const std::string text =
        sys::read_file(concat("/proc/", pid, "/net/dev"), 1 << 20).value_or("");
    for (const std::string& line : split(text, '\n')) {
        const auto parts = split_once(line, ':');
        if (!parts || trim(parts->first) == "lo") continue;
        std::vector<std::uint64_t> numbers;
        for (const std::string& word : split(parts->second, ' ')) {
            if (const auto number = parse_uint(word)) numbers.push_back(*number);
        }
        if (numbers.size() < 12) continue;
        out.push_back({std::string(trim(parts->first)), numbers[0], numbers[1], numbers[2],
                       numbers[3], numbers[8], numbers[9], numbers[10], numbers[11]});
    }
    return out;
}

std::uint64_t host_memory() {
    return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
           static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Result<StatsSample> Containers::stats(std::string_view key) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    const State state = container->state();
    const auto spec = container->spec();
    StatsSample out{.read = implementation_->clock_.now()};
    if (!is_alive(state.status) || state.pid == 0) return out;
    const sys::CgroupLayout layout = TRY(sys::cgroup_layout());
    auto group = sys::Cgroup::open(layout, implementation_->cgroup_path(*container, *spec));
    if (!group) return out;  // it has ended in this moment
    const sys::CgroupStats from = TRY(group->stats());
    out.running = true;
    out.cpu_total = from.cpu_total_ns;
    out.cpu_user = from.cpu_user_ns;
    out.cpu_kernel = from.cpu_system_ns;
    out.system_cpu = system_cpu_time();
    out.online_cpus = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
    out.per_cpu = from.per_cpu_ns;
    out.throttling_periods = from.periods;
    out.throttled_periods = from.throttled_periods;
    out.throttled_time = from.throttled_ns;
    out.memory_usage = from.memory_usage;
    out.memory_max_usage = from.is_v2 ? 0 : from.memory_peak;
    out.memory_limit = std::min(from.memory_limit, host_memory());
    out.memory_failcnt = from.memory_failures;
    out.memory_stats = from.memory;
    out.pids_current = from.pids;
    out.pids_limit = from.pids_limit;
    if (has_own_network(*spec)) out.interfaces = read_interfaces(state.pid);
    for (const sys::CgroupStats::Io& io : from.io) {
        out.blkio_bytes.push_back({io.major, io.minor, "read", io.read_bytes});
        out.blkio_bytes.push_back({io.major, io.minor, "write", io.write_bytes});
        out.blkio_operations.push_back({io.major, io.minor, "read", io.reads});
        out.blkio_operations.push_back({io.major, io.minor, "write", io.writes});
    }
    return out;
}

}  // namespace berth::container
