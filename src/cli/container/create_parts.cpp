#include "cli/container/create_parts_internal.h"
#include "cli/parse/resources.h"
#include "codec/json.h"
#include "sys/file.h"

namespace berth::cli {

void add_pairs(api::StringMap& map, const std::vector<std::string>& pairs) {
    for (const auto& pair : pairs) {
        const auto parts = split_once(pair, '=');
        if (parts)
            map[std::string(parts->first)] = parts->second;
        else
            map[pair] = "";
    }
}

void set_limits(const Flags& flags, api::Resources& limits) {
    limits.memory = flags.bytes("memory").value_or(0);
    limits.memory_swap = flags.bytes("memory-swap").value_or(0);
    limits.memory_reservation = flags.bytes("memory-reservation").value_or(0);
    limits.nano_cpus = static_cast<std::int64_t>(flags.real("cpus").value_or(0) * 1e9);
    limits.cpu_shares = flags.number("cpu-shares").value_or(0);
    limits.cpu_period = flags.number("cpu-period").value_or(0);
    limits.cpu_quota = flags.number("cpu-quota").value_or(0);
    limits.cpu_realtime_period = flags.number("cpu-rt-period").value_or(0);
    limits.cpu_realtime_runtime = flags.number("cpu-rt-runtime").value_or(0);
    limits.cpuset_cpus = flags.text("cpuset-cpus");
    limits.cpuset_mems = flags.text("cpuset-mems");
    limits.pids_limit = flags.number("pids-limit");
    limits.blkio_weight = static_cast<std::uint16_t>(flags.number("blkio-weight").value_or(0));
}

Result<> set_resources(const Flags& flags, api::HostConfig& host) {
    auto& limits = host.resources;
    set_limits(flags, limits);
    limits.memory_swappiness = flags.number("memory-swappiness");
    limits.cgroup_parent = flags.text("cgroup-parent");
    if (flags.has("oom-kill-disable")) limits.oom_kill_disable = flags.is_set("oom-kill-disable");
    limits.device_cgroup_rules = flags.list("device-cgroup-rule");
    for (const auto& text : flags.list("ulimit")) limits.ulimits.push_back(TRY(parse_ulimit(text)));
    api::DeviceRequest named{.driver = "cdi"};
    for (const auto& text : flags.list("device")) {
        if (is_cdi_name(text))
            named.device_ids.push_back(text);
        else
            limits.devices.push_back(TRY(parse_device(text)));
    }
    if (!named.device_ids.empty()) limits.device_requests.push_back(std::move(named));
    if (const std::string gpus = flags.text("gpus"); !gpus.empty())
        limits.device_requests.push_back(TRY(parse_gpus(gpus)));
    for (const auto& text : flags.list("device-read-bps"))
        limits.blkio_device_read_bps.push_back(TRY(parse_throttle(text, true)));
    for (const auto& text : flags.list("device-write-bps"))
        limits.blkio_device_write_bps.push_back(TRY(parse_throttle(text, true)));
    for (const auto& text : flags.list("device-read-iops"))
        limits.blkio_device_read_iops.push_back(TRY(parse_throttle(text, false)));
    for (const auto& text : flags.list("device-write-iops")) {
        limits.blkio_device_write_iops.push_back(TRY(parse_throttle(text, false)));
    }
    for (const auto& text : flags.list("blkio-weight-device")) {
        const auto parsed = TRY(parse_throttle(text, false));
        limits.blkio_weight_device.push_back(
            {parsed.path, static_cast<std::uint16_t>(parsed.rate)});
    }
    return {};
}

Result<> set_security(const Flags& flags, api::HostConfig& host) {
    host.privileged = flags.is_set("privileged");
    host.cap_add = flags.list("cap-add");
    host.cap_drop = flags.list("cap-drop");
    for (const auto& option : flags.list("security-opt")) {
        if (option == "systempaths=unconfined") {
            host.masked_paths.emplace();
            host.readonly_paths.emplace();
            continue;
        }
        const std::string_view seccomp = "seccomp=";
        if (option.starts_with(seccomp) && option != "seccomp=unconfined" &&
            option != "seccomp=builtin" && option != "seccomp=strict") {
            // The engine takes the profile itself, since it may not see the file.
            const std::string path = option.substr(seccomp.size());
            const std::string text = TRY(sys::read_file(path).context("seccomp profile ", path));
            const auto profile = TRY(codec::parse_json(text).context("seccomp profile ", path));
            host.security_opt.push_back(concat(seccomp, codec::dump_json(profile)));
            continue;
        }
        host.security_opt.push_back(option);
    }
    return {};
}

Result<> set_host(const Flags& flags, api::HostConfig& host) {
    host.container_id_file = flags.text("cidfile");
    host.auto_remove = flags.is_set("rm");
    host.restart_policy = TRY(parse_restart(flags.text("restart")));
    if (host.auto_remove && !host.restart_policy.name.empty() && host.restart_policy.name != "no") {
        return fail(ErrorCode::InvalidArgument,
                    "--rm conflicts with --restart: a removed container cannot start again");
    }
    host.log_config.type = flags.text("log-driver");
    add_pairs(host.log_config.config, flags.list("log-opt"));
    host.cgroupns_mode = flags.text("cgroupns");
    host.ipc_mode = flags.text("ipc");
    host.pid_mode = flags.text("pid");
    host.uts_mode = flags.text("uts");
    host.userns_mode = flags.text("userns");
    host.dns = flags.list("dns");
    host.dns_options = flags.list("dns-option");
    host.dns_search = flags.list("dns-search");
    for (auto& line : flags.list("add-host")) {
        // "name=address" is the newer spelling, which IPv6 addresses need.
        if (const auto equals = line.find('=');
            equals != std::string::npos && line.find(':') > equals)
            line[equals] = ':';
        if (line.find(':') == std::string::npos)
            return fail(ErrorCode::InvalidArgument, "--add-host \"", line,
                        "\": expected name:address");
        host.extra_hosts.push_back(std::move(line));
    }
    host.group_add = flags.list("group-add");
    host.links = flags.list("link");
    host.oom_score_adj = static_cast<int>(flags.number("oom-score-adj").value_or(0));
    host.readonly_rootfs = flags.is_set("read-only");
    host.shm_size = flags.bytes("shm-size").value_or(0);
    host.runtime = flags.text("runtime");
    add_pairs(host.storage_opt, flags.list("storage-opt"));
    add_pairs(host.sysctls, flags.list("sysctl"));
    add_pairs(host.annotations, flags.list("annotation"));
    if (flags.has("init")) host.init = flags.is_set("init");
    if (flags.has("host-ca")) host.host_ca = flags.is_set("host-ca");
    return {};
}

}  // namespace berth::cli
