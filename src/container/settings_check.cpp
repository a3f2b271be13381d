#include "container/settings_check.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "container/native_probe.h"
#include "container/storage_limit.h"
#include "container/user_namespace.h"
#include "sys/signal.h"

namespace berth::container {
namespace {

constexpr std::int64_t least_memory = 6 << 20;

template <typename... Parts>
Error refuse_setting(const Parts&... parts) {
    return fail(ErrorCode::InvalidArgument, parts...);
}

bool is_one_of(std::string_view mode, std::initializer_list<std::string_view> known) {
    return std::ranges::find(known, mode) != known.end();
}

bool joins_container(std::string_view mode) {
    return mode.starts_with("container:") && mode.size() > 10;
}

Result<> check_modes(const HostConfig& host) {
    if (!is_one_of(host.pid_mode, {"", "host"}) && !joins_container(host.pid_mode))
        return refuse_setting("invalid PID mode: ", host.pid_mode);
    if (!is_one_of(host.ipc_mode, {"", "host", "none", "private", "shareable"}) &&
        !joins_container(host.ipc_mode)) {
        return refuse_setting("invalid IPC mode: ", host.ipc_mode);
    }
    if (!is_one_of(host.uts_mode, {"", "host"}))
        return refuse_setting("invalid UTS mode: ", host.uts_mode);
    if (!is_one_of(host.cgroupns_mode, {"", "host", "private"}))
        return refuse_setting("invalid cgroup namespace mode: ", host.cgroupns_mode);
    if (!is_one_of(host.userns_mode, {"", "host", "auto"}))
        return refuse_setting("invalid user namespace mode: ", host.userns_mode);
    if (host.oom_score_adj < -1000 || host.oom_score_adj > 1000) {
        return refuse_setting("Invalid value ", host.oom_score_adj,
                              ", range for oom score adj is [-1000, 1000]");
    }
    return {};
}

Result<> check_memory(const Resources& resources) {
    if (resources.memory < 0) return refuse_setting("Minimum memory limit allowed is 6MB");
    if (resources.memory != 0 && resources.memory < least_memory)
        return refuse_setting("Minimum memory limit allowed is 6MB");
    if (resources.memory > 0 && resources.memory_swap > 0 &&
        resources.memory_swap < resources.memory) {
        return refuse_setting(
            "Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if (resources.memory == 0 && resources.memory_swap > 0) {
        return refuse_setting(
            "You should always set the Memory limit when using Memoryswap limit, see usage");
    }
    if (resources.memory_swappiness &&
        (*resources.memory_swappiness < -1 || *resources.memory_swappiness > 100)) {
        return refuse_setting("Invalid value: ", *resources.memory_swappiness,
                              ", valid memory swappiness range is 0-100");
    }
    if (resources.memory_reservation > 0 && resources.memory_reservation < least_memory) {
        return refuse_setting("Minimum memory reservation allowed is 6MB");
    }
    if (resources.memory > 0 && resources.memory_reservation > 0 &&
        resources.memory < resources.memory_reservation) {
        return refuse_setting(
            "Minimum memory limit can not be less than memory reservation limit, see usage");
    }
    return {};
}

Result<> check_cpu(const Resources& resources, unsigned cpus) {
    if (resources.nano_cpus > 0 && resources.cpu_period > 0)
        return refuse_setting("Conflicting options: Nano CPUs and CPU Period cannot both be set");
    if (resources.nano_cpus > 0 && resources.cpu_quota > 0)
        return refuse_setting("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    if (resources.nano_cpus < 0 || resources.nano_cpus > std::int64_t{cpus} * 1'000'000'000) {
        return refuse_setting("range of CPUs is from 0.01 to ", cpus, ".00, as there are only ",
                              cpus, " CPUs available");
    }
    if (resources.cpu_shares < 0)
        return refuse_setting("invalid CPU shares (", resources.cpu_shares,
                              "): value must be a positive integer");
    if (resources.cpu_period != 0 &&
        (resources.cpu_period < 1000 || resources.cpu_period > 1'000'000)) {
        return refuse_setting(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    }
    if (resources.cpu_quota > 0 && resources.cpu_quota < 1000)
        return refuse_setting("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    return {};
}

// "0-3,5": every number below `count`.
bool are_available(std::string_view list, unsigned count, bool& is_list) {
    bool available = true;
    for (const std::string& part : split(list, ',')) {
        const auto range = split_once(part, '-');
        const auto first = parse_uint(trim(range ? range->first : std::string_view(part)));
        const auto last = range ? parse_uint(trim(range->second)) : first;
        is_list &= first && last && *first <= *last && *last < 8192;
        available &= last && *last < count;
    }
    return available;
}

// What becomes a line of /etc/hosts, /etc/hostname or /etc/resolv.conf is no more than one.
Result<> check_line(std::string_view what, const std::string& text) {
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::none_of(text, is_control)) return {};
    return fail(ErrorCode::InvalidArgument, "a control character in the ", what);
}

Result<> check_lines(const ContainerSpec& spec) {
    TRY(check_line("hostname", spec.hostname));
    TRY(check_line("domain name", spec.domainname));
    const HostConfig& host = spec.host;
    for (const auto& [what, texts] :
         {std::pair{"extra host", &host.extra_hosts}, std::pair{"name server", &host.dns},
          std::pair{"search domain", &host.dns_search},
          std::pair{"option of the resolver", &host.dns_options}}) {
        for (const std::string& text : *texts) TRY(check_line(what, text));
    }
    return {};
}

}  // namespace

Result<> check_resources(const Resources& resources, unsigned cpus) {
    TRY(check_memory(resources));
    TRY(check_cpu(resources, cpus));
    if (resources.blkio_weight != 0 &&
        (resources.blkio_weight < 10 || resources.blkio_weight > 1000)) {
        return refuse_setting("Range of blkio weight is from 10 to 1000");
    }
    if (!resources.cpuset_cpus.empty()) {
        bool is_list = true;
        const bool available = are_available(resources.cpuset_cpus, cpus, is_list);
        if (!is_list)
            return refuse_setting("Invalid value ", resources.cpuset_cpus, " for cpuset cpus");
        if (!available)
            return refuse_setting("Requested CPUs are not available - requested ",
                                  resources.cpuset_cpus, ", available: 0-", cpus - 1);
    }
    if (!resources.cpuset_mems.empty()) {
        bool is_list = true;
        are_available(resources.cpuset_mems, 1, is_list);
        if (!is_list)
            return refuse_setting("Invalid value ", resources.cpuset_mems, " for cpuset mems");
    }
    return {};
}

Result<> check_spec(const ContainerSpec& spec, unsigned cpus) {
    if (spec.host.auto_remove && spec.host.restart.mode != RestartMode::No) {
        return refuse_setting("can't create 'AutoRemove' container with restart policy");
    }
    TRY(check_modes(spec.host));
    TRY(check_lines(spec));
    TRY(check_user_namespace(spec.host));
    TRY(check_resources(spec.host.resources, cpus));
    if (!spec.working_dir.empty() && !spec.working_dir.starts_with('/')) {
        return refuse_setting("the working directory '", spec.working_dir,
                              "' is invalid, it needs to be an absolute path");
    }
    if (!spec.stop_signal.empty() && !sys::parse_signal(spec.stop_signal))
        return refuse_setting("invalid signal: ", spec.stop_signal);
    TRY(storage_limit(spec.host.storage_options));
    if (spec.host.restart.mode == RestartMode::Unhealthy) {
        const bool has_check = spec.healthcheck && !spec.healthcheck->test.empty() &&
                               spec.healthcheck->test[0] != "NONE";
        if (!has_check) {
            return fail(ErrorCode::InvalidArgument,
                        "restart policy unhealthy needs a health check, and neither the image nor "
                        "the command gives one")
                .with_hint(
                    "add --health-http PORT/PATH, --health-tcp PORT or --health-cmd COMMAND");
        }
    }
    if (spec.healthcheck) TRY(native_probe(*spec.healthcheck));
    return {};
}

}  // namespace berth::container
