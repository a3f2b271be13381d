#include "daemon/container_wire.h"

namespace berth::daemon {

using container::ContainerSpec;

namespace {
Error invalid(const std::string& text) { return fail(ErrorCode::InvalidArgument, text); }

Result<container::PortBinding> binding_of(const api::PortBinding& binding,
                                          const std::string& port) {
    container::PortBinding out{.host_address = binding.host_ip};
    if (binding.host_port.empty()) return out;
    const auto range = split_once(binding.host_port, '-');
    const auto first = parse_uint(range ? range->first : std::string_view(binding.host_port));
    const auto last = range ? parse_uint(range->second) : first;
    if (!first || !last || *first > 65535 || *last > 65535 || *last < *first)
        return invalid(
            concat("invalid port specification: \"", binding.host_port, "\" for ", port));
    out.host_port = static_cast<std::uint16_t>(*first);
    if (range) out.host_port_end = static_cast<std::uint16_t>(*last);
    return out;
}

Result<container::MountRequest> mount_of(const api::Mount& mount, api::ApiVersion version) {
    container::MountRequest out{
        .source = mount.source, .target = mount.target, .read_only = mount.read_only};
    const auto wrong_options = [&](const char* options) {
        return invalid(concat("invalid mount config for type \"", mount.type, "\": field ", options,
                              " must not be specified"));
    };
    // Before 1.42 options of another type were ignored, as clients of then rely on.
    const bool strict = version >= api::ApiVersion{1, 42};
    if (mount.target.empty())
        return invalid(concat("invalid mount config for type \"", mount.type,
                              "\": field Target must not be empty"));
    if (mount.type == "bind") {
        if (strict && mount.volume_options) return wrong_options("VolumeOptions");
        if (strict && mount.tmpfs_options) return wrong_options("TmpfsOptions");
        if (mount.source.empty())
            return invalid(
                "invalid mount config for type \"bind\": field Source must not be empty");
        out.type = container::MountType::Bind;
        if (mount.bind_options) {
            out.propagation = mount.bind_options->propagation;
            out.create_mountpoint = mount.bind_options->create_mountpoint;
            out.read_only_non_recursive = mount.bind_options->read_only_non_recursive;
            out.non_recursive = mount.bind_options->non_recursive;
            if (out.non_recursive) out.read_only_non_recursive = true;
        }
        if (version < api::ApiVersion{1, 44}) out.read_only_non_recursive = true;
    } else if (mount.type == "volume" || mount.type.empty()) {
        if (strict && mount.bind_options) return wrong_options("BindOptions");
        if (strict && mount.tmpfs_options) return wrong_options("TmpfsOptions");
        out.type = container::MountType::Volume;
        if (const auto& options = mount.volume_options) {
            out.no_copy = options->no_copy;
            out.subpath = options->subpath;
            out.labels = options->labels;
            if (options->driver_config) {
                out.driver = options->driver_config->name;
                out.driver_options = options->driver_config->options;
            }
        }
    } else if (mount.type == "tmpfs") {
        if (strict && mount.bind_options) return wrong_options("BindOptions");
        if (strict && mount.volume_options) return wrong_options("VolumeOptions");
        if (!mount.source.empty())
            return invalid(
                "invalid mount config for type \"tmpfs\": field Source must not be specified");
        out.type = container::MountType::Tmpfs;
        if (mount.tmpfs_options) {
            out.tmpfs_size = mount.tmpfs_options->size_bytes;
            out.tmpfs_mode = mount.tmpfs_options->mode;
        }
    } else if (mount.type == "image") {
        if (mount.source.empty())
            return invalid(
                "invalid mount config for type \"image\": field Source must not be empty");
        out.type = container::MountType::Image;
        out.read_only = true;
        if (mount.image_options) out.subpath = mount.image_options->subpath;
    } else {
        return fail(ErrorCode::InvalidArgument, "mount type \"", mount.type, "\" is not supported");
    }
    return out;
}

std::vector<container::ThrottleDevice> throttles_of(
    const std::vector<api::ThrottleDevice>& devices) {
    std::vector<container::ThrottleDevice> out;
    out.reserve(devices.size());
    for (const auto& device : devices) out.push_back({device.path, device.rate});
    return out;
}

container::Resources resources_of(const api::Resources& in) {
    container::Resources out;
    out.memory = in.memory;
    out.memory_swap = in.memory_swap;
    out.memory_reservation = in.memory_reservation;
    // -1 is how the command line says "not set".
    if (in.memory_swappiness && *in.memory_swappiness >= 0)
        out.memory_swappiness = in.memory_swappiness;
    out.nano_cpus = in.nano_cpus;
    out.cpu_shares = in.cpu_shares;
    out.cpu_period = in.cpu_period;
    out.cpu_quota = in.cpu_quota;
    out.cpu_rt_period = in.cpu_realtime_period;
    out.cpu_rt_runtime = in.cpu_realtime_runtime;
    out.cpuset_cpus = in.cpuset_cpus;
    out.cpuset_mems = in.cpuset_mems;
    out.pids_limit = in.pids_limit;
    out.blkio_weight = in.blkio_weight;
    out.blkio_read_bps = throttles_of(in.blkio_device_read_bps);
    out.blkio_write_bps = throttles_of(in.blkio_device_write_bps);
    out.blkio_read_iops = throttles_of(in.blkio_device_read_iops);
    out.blkio_write_iops = throttles_of(in.blkio_device_write_iops);
    for (const auto& device : in.blkio_weight_device)
        out.blkio_weight_device.push_back({device.path, device.weight});
    out.oom_kill_disable = in.oom_kill_disable.value_or(false);
    return out;
}

Result<container::RestartPolicy> restart_of(const api::RestartPolicy& policy) {
    const auto mode = TRY(container::parse_restart_mode(policy.name));
    if (policy.maximum_retry_count < 0) return invalid("maximum retry count cannot be negative");
    const bool counts =
        mode == container::RestartMode::OnFailure || mode == container::RestartMode::Unhealthy;
    if (policy.maximum_retry_count > 0 && !counts) {
        return invalid(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    }
    return container::RestartPolicy{mode, policy.maximum_retry_count};
}

Result<container::HostConfig> host_of(const api::HostConfig& in, api::ApiVersion version) {
    container::HostConfig out;
    out.binds = in.binds;
    for (const auto& mount : in.mounts) {
        auto request = TRY(mount_of(mount, version));
        out.mounts.push_back(std::move(request));
    }
    out.volumes_from = in.volumes_from;
    out.tmpfs = in.tmpfs;
    for (const auto& [text, bindings] : in.port_bindings) {
        auto& list = out.port_bindings[TRY(container::Port::parse(text))];
        for (const auto& binding : bindings) {
            auto converted = TRY(binding_of(binding, text));
            list.push_back(std::move(converted));
        }
        if (bindings.empty()) list.push_back({});
    }
    out.publish_all_ports = in.publish_all_ports;
    out.network_mode = in.network_mode.empty() ? "default" : in.network_mode;
    out.links = in.links;
    out.extra_hosts = in.extra_hosts;
    out.dns = in.dns;
    out.dns_options = in.dns_options;
    out.dns_search = in.dns_search;
    out.restart = TRY(restart_of(in.restart_policy));
    if (in.auto_remove && out.restart.mode != container::RestartMode::No)
        return invalid("can't create 'AutoRemove' container with restart policy");
    out.auto_remove = in.auto_remove;
    out.cap_add = in.cap_add;
    out.cap_drop = in.cap_drop;
    out.security_opt = in.security_opt;
    out.group_add = in.group_add;
    out.privileged = in.privileged;
    out.read_only_rootfs = in.readonly_rootfs;
    if (in.shm_size < 0) return invalid("SHM size can not be less than 0");
    out.shm_size = in.shm_size;
    for (const auto& limit : in.resources.ulimits)
        out.ulimits.push_back({limit.name, limit.soft, limit.hard});
    out.sysctls = in.sysctls;
    out.resources = resources_of(in.resources);
    for (const auto& device : in.resources.devices)
        out.devices.push_back(
            {device.path_on_host, device.path_in_container, device.cgroup_permissions});
    for (const auto& claim : in.resources.device_requests)
        out.device_claims.push_back(
            {claim.driver, claim.count, claim.device_ids, claim.capabilities, claim.options});
    out.device_cgroup_rules = in.resources.device_cgroup_rules;
    out.pid_mode = in.pid_mode;
    out.ipc_mode = in.ipc_mode;
    out.uts_mode = in.uts_mode;
    out.userns_mode = in.userns_mode;
    out.cgroupns_mode = in.cgroupns_mode;
    out.cgroup_parent = in.resources.cgroup_parent;
    out.cgroup = in.cgroup;
    out.runtime = in.runtime;
    out.init = in.init;
    out.oom_score_adj = in.oom_score_adj;
    out.log = {in.log_config.type, in.log_config.config};
    out.container_id_file = in.container_id_file;
    out.volume_driver = in.volume_driver;
    out.isolation = in.isolation;
    out.console_size = {in.console_size[0], in.console_size[1]};
    out.annotations = in.annotations;
    out.storage_options = in.storage_opt;
    out.masked_paths = in.masked_paths;
    out.readonly_paths = in.readonly_paths;
    out.host_ca = in.host_ca;
    if (in.files_owner && (*in.files_owner)[0] >= 0 && (*in.files_owner)[1] >= 0) {
        out.files_owner = container::FilesOwner{static_cast<std::uint32_t>((*in.files_owner)[0]),
                                                static_cast<std::uint32_t>((*in.files_owner)[1])};
    }
    out.berth_defaults = in.berth_defaults;
    return out;
}

std::vector<api::ThrottleDevice> throttles_of(
    const std::vector<container::ThrottleDevice>& devices) {
    std::vector<api::ThrottleDevice> out;
    out.reserve(devices.size());
    for (const auto& device : devices) out.push_back({device.path, device.rate});
    return out;
}

api::Mount mount_of(const container::MountRequest& in) {
    api::Mount out{.type = std::string(to_string(in.type)),
                   .source = in.source,
                   .target = in.target,
                   .read_only = in.read_only};
    switch (in.type) {
        case container::MountType::Bind:
            if (!in.propagation.empty() || in.create_mountpoint || in.non_recursive) {
                out.bind_options =
                    api::Mount::BindOptions{.propagation = in.propagation,
                                            .non_recursive = in.non_recursive,
                                            .create_mountpoint = in.create_mountpoint};
            }
            break;
        case container::MountType::Volume:
            if (in.no_copy || !in.labels.empty() || !in.driver.empty() ||
                !in.driver_options.empty() || !in.subpath.empty()) {
                out.volume_options = api::Mount::VolumeOptions{
                    .no_copy = in.no_copy, .labels = in.labels, .subpath = in.subpath};
                if (!in.driver.empty() || !in.driver_options.empty())
                    out.volume_options->driver_config =
                        api::Mount::DriverConfig{in.driver, in.driver_options};
            }
            break;
        case container::MountType::Tmpfs:
            if (in.tmpfs_size || in.tmpfs_mode)
                out.tmpfs_options = api::Mount::TmpfsOptions{in.tmpfs_size, in.tmpfs_mode};
            break;
        case container::MountType::Image:
            if (!in.subpath.empty()) out.image_options = api::Mount::ImageOptions{in.subpath};
            break;
    }
    return out;
}

api::Resources resources_of(const container::HostConfig& host) {
    const auto& in = host.resources;
    api::Resources out;
    out.memory = in.memory;
    out.memory_swap = in.memory_swap;
    out.memory_reservation = in.memory_reservation;
    out.memory_swappiness = in.memory_swappiness;
    out.nano_cpus = in.nano_cpus;
    out.cpu_shares = in.cpu_shares;
    out.cpu_period = in.cpu_period;
    out.cpu_quota = in.cpu_quota;
    out.cpu_realtime_period = in.cpu_rt_period;
    out.cpu_realtime_runtime = in.cpu_rt_runtime;
    out.cpuset_cpus = in.cpuset_cpus;
    out.cpuset_mems = in.cpuset_mems;
    out.pids_limit = in.pids_limit;
    out.blkio_weight = in.blkio_weight;
    out.blkio_device_read_bps = throttles_of(in.blkio_read_bps);
    out.blkio_device_write_bps = throttles_of(in.blkio_write_bps);
    out.blkio_device_read_iops = throttles_of(in.blkio_read_iops);
    out.blkio_device_write_iops = throttles_of(in.blkio_write_iops);
    for (const auto& device : in.blkio_weight_device)
        out.blkio_weight_device.push_back({device.path, static_cast<std::uint16_t>(device.rate)});
    if (in.oom_kill_disable) out.oom_kill_disable = true;
    out.cgroup_parent = host.cgroup_parent;
    for (const auto& limit : host.ulimits)
        out.ulimits.push_back({limit.name, limit.hard, limit.soft});
    for (const auto& device : host.devices)
        out.devices.push_back({device.host_path, device.container_path, device.permissions});
    out.device_cgroup_rules = host.device_cgroup_rules;
    for (const auto& claim : host.device_claims)
        out.device_requests.push_back(
            {claim.driver, claim.count, claim.ids, claim.capabilities, claim.options});
    return out;
}
}  // namespace

Result<container::EndpointSpec> endpoint_spec_of(const api::EndpointSettings& settings) {
    container::EndpointSpec out{.aliases = settings.aliases,
                                .links = settings.links,
                                .mac_address = settings.mac_address,
                                .gw_priority = settings.gw_priority,
                                .driver_options = settings.driver_opts};
    if (settings.ipam_config) {
        out.ipv4_address = settings.ipam_config->ipv4_address;
        out.ipv6_address = settings.ipam_config->ipv6_address;
        out.link_local_ips = settings.ipam_config->link_local_ips;
    }
    return out;
}

Result<ContainerSpec> spec_of(const api::ContainerCreateRequest& request, api::ApiVersion version) {
    const auto& in = request.config;
    ContainerSpec out;
    out.image = in.image;
    out.hostname = in.hostname;
    out.domainname = in.domainname;
    out.user = in.user;
    out.working_dir = in.working_dir;
    out.env = in.env;
    out.cmd = in.cmd;
    out.entrypoint = in.entrypoint;
    out.shell = in.shell;
    out.labels = in.labels;
    for (const auto& text : in.exposed_ports) {
        auto port = TRY(container::Port::parse(text));
        out.exposed_ports.push_back(std::move(port));
    }
    out.volumes = in.volumes;
    out.stop_signal = in.stop_signal;
    out.stop_timeout = in.stop_timeout;
    if (in.healthcheck) {
        using std::chrono::nanoseconds;
        const auto& check = *in.healthcheck;
        if (check.interval < 0 || check.timeout < 0 || check.start_period < 0 || check.retries < 0)
            return invalid("health check: durations and retries cannot be negative");
        out.healthcheck =
            container::Healthcheck{.test = check.test,
                                   .interval = nanoseconds(check.interval),
                                   .timeout = nanoseconds(check.timeout),
                                   .start_period = nanoseconds(check.start_period),
                                   .start_interval = nanoseconds(check.start_interval),
                                   .retries = check.retries};
    }
    out.tty = in.tty;
    out.open_stdin = in.open_stdin;
    out.stdin_once = in.stdin_once;
    out.attach_stdin = in.attach_stdin;
    out.attach_stdout = in.attach_stdout;
    out.attach_stderr = in.attach_stderr;
    out.network_disabled = in.network_disabled;
    out.args_escaped = in.args_escaped;
    out.on_build = in.on_build;
    if (!in.mac_address.empty() && version >= api::ApiVersion{1, 52}) {
        return invalid(
            "container-wide MAC address no longer supported; use endpoint-specific MAC address "
            "instead");
    }
    out.mac_address = in.mac_address;
    out.host = TRY(host_of(request.host_config, version));
    if (request.endpoints.size() > 1 && version < api::ApiVersion{1, 44}) {
        return invalid(
            "Container cannot be created with multiple network endpoints: the API version is below "
            "1.44");
    }
    for (const auto& [name, settings] : request.endpoints) {
        auto endpoint = TRY(endpoint_spec_of(settings));
        out.networks.emplace(name, std::move(endpoint));
    }
    return out;
}

Result<container::UpdateRequest> update_of(const api::ContainerUpdateRequest& request) {
    container::UpdateRequest out{.resources = resources_of(request.resources)};
    if (!request.restart_policy.name.empty()) out.restart = TRY(restart_of(request.restart_policy));
    return out;
}

api::ContainerConfig config_of(const ContainerSpec& spec) {
    api::ContainerConfig out;
    out.hostname = spec.hostname;
    out.domainname = spec.domainname;
    out.user = spec.user;
    out.attach_stdin = spec.attach_stdin;
    out.attach_stdout = spec.attach_stdout;
    out.attach_stderr = spec.attach_stderr;
    for (const auto& port : spec.exposed_ports) out.exposed_ports.push_back(port.to_string());
    out.tty = spec.tty;
    out.open_stdin = spec.open_stdin;
    out.stdin_once = spec.stdin_once;
    out.env = spec.env;
    out.cmd = spec.cmd;
    if (spec.healthcheck) {
        const auto& check = *spec.healthcheck;
        out.healthcheck = api::HealthConfig{check.test,
                                            check.interval.count(),
                                            check.timeout.count(),
                                            check.start_period.count(),
                                            check.start_interval.count(),
                                            check.retries};
    }
    out.args_escaped = spec.args_escaped;
    out.image = spec.image;
    out.volumes = spec.volumes;
    out.working_dir = spec.working_dir;
    out.entrypoint = spec.entrypoint;
    out.network_disabled = spec.network_disabled;
    out.mac_address = spec.mac_address;
    out.on_build = spec.on_build;
    out.labels = spec.labels;
    out.stop_signal = spec.stop_signal;
    out.stop_timeout = spec.stop_timeout;
    out.shell = spec.shell;
    return out;
}

api::HostConfig host_config_of(const container::HostConfig& in) {
    api::HostConfig out;
    out.binds = in.binds;
    out.container_id_file = in.container_id_file;
    out.log_config = {in.log.driver.empty() ? "json-file" : in.log.driver, in.log.options};
    out.network_mode = in.network_mode;
    for (const auto& [port, bindings] : in.port_bindings) {
        auto& list = out.port_bindings[port.to_string()];
        for (const auto& binding : bindings) {
            std::string text = binding.host_port ? std::to_string(binding.host_port) : "";
            if (binding.host_port_end > binding.host_port)
                text += concat("-", binding.host_port_end);
            list.push_back({binding.host_address, std::move(text)});
        }
    }
    out.restart_policy = {std::string(to_string(in.restart.mode)), in.restart.max_retries};
    out.auto_remove = in.auto_remove;
    out.volume_driver = in.volume_driver;
    out.volumes_from = in.volumes_from;
    out.console_size = {in.console_size.first, in.console_size.second};
    out.annotations = in.annotations;
    out.cap_add = in.cap_add;
    out.cap_drop = in.cap_drop;
    out.cgroupns_mode = in.cgroupns_mode;
    out.dns = in.dns;
    out.dns_options = in.dns_options;
    out.dns_search = in.dns_search;
    out.extra_hosts = in.extra_hosts;
    out.group_add = in.group_add;
    out.ipc_mode = in.ipc_mode.empty() ? "private" : in.ipc_mode;
    out.cgroup = in.cgroup;
    out.links = in.links;
    out.oom_score_adj = in.oom_score_adj;
    out.pid_mode = in.pid_mode;
    out.privileged = in.privileged;
    out.publish_all_ports = in.publish_all_ports;
    out.readonly_rootfs = in.read_only_rootfs;
    out.security_opt = in.security_opt;
    out.storage_opt = in.storage_options;
    out.tmpfs = in.tmpfs;
    out.uts_mode = in.uts_mode;
    out.userns_mode = in.userns_mode;
    out.shm_size = in.shm_size ? in.shm_size : 64 << 20;
    out.sysctls = in.sysctls;
    out.runtime = in.runtime.empty() ? "berth" : in.runtime;
    out.isolation = in.isolation;
    out.resources = resources_of(in);
    for (const auto& mount : in.mounts) out.mounts.push_back(mount_of(mount));
    out.masked_paths = in.masked_paths;
    out.readonly_paths = in.readonly_paths;
    out.init = in.init;
    out.host_ca = in.host_ca;
    if (in.files_owner)
        out.files_owner = std::array<int, 2>{static_cast<int>(in.files_owner->uid),
                                             static_cast<int>(in.files_owner->gid)};
    return out;
}

}  // namespace berth::daemon
