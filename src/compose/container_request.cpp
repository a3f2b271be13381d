#include "compose/container_request.h"

#include <cmath>

#include "base/clock.h"
#include "codec/sha256.h"
#include "compose/labels.h"
#include "compose/short_forms.h"

namespace berth::compose {

using codec::YamlNode;

std::string container_name(const Project& project, const Service& service, int number) {
    const std::string fixed = service.container_name();
    return fixed.empty() ? concat(project.name, "-", service.name, "-", number) : fixed;
}

std::string config_hash(const Service& service) {
    YamlNode definition = service.definition;
    for (const std::string_view key : {"build", "pull_policy", "scale", "depends_on", "profiles"})
        definition.erase(key);
    if (YamlNode* deploy = definition.find("deploy")) deploy->erase("replicas");
    return codec::sha256_hex(as_bytes(codec::dump_json(codec::to_json(definition))));
}

namespace {

class Translator {
public:
    Translator(const Project& project, const Service& service,
               const ContainerRequestOptions& options)
        : project_(project), service_(service), node_(service.definition), options_(options) {}

    Result<api::ContainerCreateRequest> translate() {
        TRY(translate_process());
        TRY(translate_health());
        TRY(translate_ports());
        TRY(translate_mounts());
        TRY(translate_networks());
        TRY(translate_resources());
        TRY(translate_restart());
        TRY(translate_isolation());
        set_labels();
        request_.host_config.files_owner = project_.files_owner;
        request_.host_config.berth_defaults = project_.berth_defaults;
        return std::move(request_);
    }

private:
    std::string text(std::string_view key) const {
        const YamlNode* value = node_.find(key);
        return value ? value->scalar : std::string();
    }
    bool flag(std::string_view key) const {
        const YamlNode* value = node_.find(key);
        return value && value->scalar == "true";
    }
    std::vector<std::string> list(std::string_view key) const {
        std::vector<std::string> out;
        const YamlNode* value = node_.find(key);
        for (const auto& item : value ? value->items : std::vector<YamlNode>{})
            out.push_back(item.scalar);
        return out;
    }
    static api::StringMap map_of(const YamlNode* node) {
        api::StringMap out;
        for (const auto& member : node ? node->members : std::vector<YamlNode::Member>{})
            out[member.key] = member.value.scalar;
        return out;
    }
    Error refuse(std::string_view key, std::string_view message) const {
        return fail(ErrorCode::InvalidArgument, "service \"", service_.name, "\": ", key, ": ",
                    message);
    }
    Result<std::int64_t> bytes(std::string_view key, const std::string& value) const {
        if (value.empty()) return std::int64_t{0};
        if (value == "-1") return std::int64_t{-1};
        return parse_byte_size(value).context("service ", service_.name, ": ", key);
    }
    Result<std::int64_t> integer(std::string_view key) const {
        const std::string value = text(key);
        if (value.empty()) return std::int64_t{0};
        const auto number = parse_int(value);
        if (!number) return refuse(key, concat("\"", value, "\" is not a number"));
        return *number;
    }
    static std::int64_t nanoseconds_of(const YamlNode* value) {
        if (!value) return 0;
        return parse_duration(value->scalar).value_or(std::chrono::nanoseconds{0}).count();
    }

    Result<> translate_process() {
        auto& config = request_.config;
        config.image = service_.image(project_.name);
        if (const YamlNode* command = node_.find("command"); command && command->is_sequence())
            config.cmd = list("command");
        if (const YamlNode* entrypoint = node_.find("entrypoint");
            entrypoint && entrypoint->is_sequence())
            config.entrypoint = list("entrypoint");
        if (const YamlNode* environment = node_.find("environment")) {
            for (const auto& member : environment->members)
                config.env.push_back(concat(member.key, "=", member.value.scalar));
        }
        config.hostname = text("hostname");
        config.domainname = text("domainname");
        config.user = text("user");
        config.working_dir = text("working_dir");
        config.tty = flag("tty");
        config.open_stdin = flag("stdin_open");
        config.stop_signal = text("stop_signal");
        if (const YamlNode* grace = node_.find("stop_grace_period")) {
            config.stop_timeout =
                static_cast<int>((nanoseconds_of(grace) + 999'999'999) / 1'000'000'000);
        }
        config.attach_stdout = config.attach_stderr = true;
        return {};
    }

    Result<> translate_health() {
        const YamlNode* check = node_.find("healthcheck");
        if (!check) return {};
        api::HealthConfig health;
        if (const YamlNode* disable = check->find("disable");
            disable && disable->scalar == "true") {
            health.test = {"NONE"};
        } else if (const YamlNode* test = check->find("test")) {
            for (const auto& word : test->items) health.test.push_back(word.scalar);
        }
        health.interval = nanoseconds_of(check->find("interval"));
        health.timeout = nanoseconds_of(check->find("timeout"));
        health.start_period = nanoseconds_of(check->find("start_period"));
        health.start_interval = nanoseconds_of(check->find("start_interval"));
        if (const YamlNode* retries = check->find("retries")) {
            health.retries = static_cast<int>(parse_int(retries->scalar).value_or(0));
        }
        request_.config.healthcheck = std::move(health);
        return {};
    }

    Result<> translate_ports() {
        for (const auto& port : list("expose")) {
            request_.config.exposed_ports.push_back(
                port.find('/') == std::string::npos ? port + "/tcp" : port);
        }
        const YamlNode* ports = node_.find("ports");
        if (!ports || options_.is_oneoff) return {};
        for (const auto& port : ports->items) {
            const auto member = [&](std::string_view key) {
                const YamlNode* value = port.find(key);
                return value ? value->scalar : std::string();
            };
            const std::string name = concat(member("target"), "/", member("protocol"));
            request_.config.exposed_ports.push_back(name);
            request_.host_config.port_bindings[name].push_back(
                {member("host_ip"), member("published")});
        }
        return {};
    }

    Result<> translate_mounts() {
        if (const YamlNode* volumes = node_.find("volumes")) {
            for (const auto& volume : volumes->items) TRY(add_volume(volume));
        }
        TRY(add_files("secrets", project_.secrets));
        TRY(add_files("configs", project_.configs));
        for (const auto& entry : list("tmpfs")) {
            const auto parts = split_once(entry, ':');
            request_.host_config
                .tmpfs[std::string(parts ? parts->first : std::string_view(entry))] =
                parts ? parts->second : "";
        }
        for (const auto& source : list("volumes_from")) {
            const auto parts = split(source, ':');
            const bool is_container = parts.front() == "container" && parts.size() > 1;
            std::string id = is_container ? parts[1] : TRY(options_.container_of(parts.front()));
            if (parts.back() == "ro") id += ":ro";
            request_.host_config.volumes_from.push_back(std::move(id));
        }
        return {};
    }

    Result<> add_volume(const YamlNode& volume) {
        const auto member = [&](std::string_view key) {
            return volume.find(key) ? volume.find(key)->scalar : std::string();
        };
        api::Mount mount;
        mount.type = member("type");
        mount.source = member("source");
        mount.target = member("target");
        mount.read_only = member("read_only") == "true";
        mount.consistency = member("consistency");
        if (mount.type == "bind") {
            const YamlNode* bind = volume.find("bind");
            api::Mount::BindOptions bind_options;
            if (bind && bind->find("propagation"))
                bind_options.propagation = bind->find("propagation")->scalar;
            bind_options.create_mountpoint = bind && bind->find("create_host_path") &&
                                             bind->find("create_host_path")->scalar == "true";
            mount.bind_options = bind_options;
        } else if (mount.type == "volume") {
            if (const YamlNode* defined = project_.volumes.find(mount.source))
                mount.source = defined->find("name")->scalar;
            if (mount.source.empty()) mount.source = inherited_volume(mount.target);
            const YamlNode* settings = volume.find("volume");
            api::Mount::VolumeOptions volume_options;
            volume_options.no_copy =
                settings && settings->find("nocopy") && settings->find("nocopy")->scalar == "true";
            if (settings && settings->find("subpath"))
                volume_options.subpath = settings->find("subpath")->scalar;
            if (settings) mount.volume_options = volume_options;
        } else if (mount.type == "tmpfs") {
            api::Mount::TmpfsOptions tmpfs_options;
            if (const YamlNode* settings = volume.find("tmpfs")) {
                if (const YamlNode* size = settings->find("size"))
                    tmpfs_options.size_bytes = TRY(bytes("volumes.tmpfs.size", size->scalar));
                if (const YamlNode* mode = settings->find("mode")) {
                    tmpfs_options.mode = static_cast<std::uint32_t>(
                        mode->as_int().value_or(parse_octal(mode->scalar).value_or(0)));
                }
            }
            mount.tmpfs_options = tmpfs_options;
        }
        request_.host_config.mounts.push_back(std::move(mount));
        return {};
    }

    std::string inherited_volume(const std::string& target) const {
        for (const auto& [path, name] : options_.inherited_volumes)
            if (path == target) return name;
        return {};
    }

    // Secrets and configs from files are read-only bind mounts; those from variables are copied in
    // after creation.
    Result<> add_files(std::string_view key, const YamlNode& definitions) {
        const YamlNode* grants = node_.find(key);
        if (!grants) return {};
        for (const auto& grant : grants->items) {
            const YamlNode* definition = definitions.find(grant.find("source")->scalar);
            if (!definition) continue;
            if (definition->find("external")) {
                return refuse(key, concat("\"", grant.find("source")->scalar,
                                          "\" is external, which needs a Swarm; use a file"));
            }
            const YamlNode* file = definition->find("file");
            if (!file) continue;
            api::Mount mount{.type = "bind",
                             .source = file->scalar,
                             .target = grant.find("target")->scalar,
                             .read_only = true};
            mount.bind_options = api::Mount::BindOptions{};
            request_.host_config.mounts.push_back(std::move(mount));
        }
        return {};
    }

    Result<std::string> resolve_mode(const std::string& mode) {
        if (!mode.starts_with("service:")) return mode;
        return concat("container:", TRY(options_.container_of(mode.substr(8))));
    }

    Result<> translate_networks() {
        auto& host = request_.host_config;
        if (node_.find("network_mode")) {
            host.network_mode = TRY(resolve_mode(text("network_mode")));
            return {};
        }
        const YamlNode* networks = node_.find("networks");
        std::int64_t best = -1'000'000;
        for (const auto& member : networks ? networks->members : std::vector<YamlNode::Member>{}) {
            const YamlNode* defined = project_.networks.find(member.key);
            if (!defined) continue;
            const std::string name = defined->find("name")->scalar;
            api::EndpointSettings endpoint;
            if (!options_.is_oneoff)
                endpoint.aliases = {container_name(project_, service_, options_.number),
                                    service_.name};
            const YamlNode& wish = member.value;
            if (const YamlNode* aliases = wish.find("aliases")) {
                for (const auto& alias : aliases->items) endpoint.aliases.push_back(alias.scalar);
            }
            const YamlNode* ipv4 = wish.find("ipv4_address");
            const YamlNode* ipv6 = wish.find("ipv6_address");
            if (ipv4 || ipv6)
                endpoint.ipam_config = api::EndpointSettings::IpamConfig{
                    ipv4 ? ipv4->scalar : "", ipv6 ? ipv6->scalar : "", {}};
            if (const YamlNode* mac = wish.find("mac_address")) endpoint.mac_address = mac->scalar;
            endpoint.driver_opts = map_of(wish.find("driver_opts"));
            const YamlNode* priority = wish.find("priority");
            const std::int64_t rank = priority ? parse_int(priority->scalar).value_or(0) : 0;
            if (rank > best) {
                best = rank;
                host.network_mode = name;
            }
            request_.endpoints[name] = std::move(endpoint);
        }
        if (request_.endpoints.empty()) host.network_mode = "none";
        return {};
    }

    Result<> translate_resources() {
        auto& r = request_.host_config.resources;
        r.memory = TRY(bytes("mem_limit", text("mem_limit")));
        r.memory_reservation = TRY(bytes("mem_reservation", text("mem_reservation")));
        r.memory_swap = TRY(bytes("memswap_limit", text("memswap_limit")));
        std::string cpus = text("cpus");
        r.cpu_shares = TRY(integer("cpu_shares"));
        r.cpu_quota = TRY(integer("cpu_quota"));
        r.cpu_period = TRY(integer("cpu_period"));
        r.cpuset_cpus = text("cpuset");
        r.cgroup_parent = text("cgroup_parent");
        if (node_.find("pids_limit")) r.pids_limit = TRY(integer("pids_limit"));
        if (const YamlNode* deploy = node_.find("deploy")) {
            const YamlNode* resources = deploy->find("resources");
            const YamlNode* limits = resources ? resources->find("limits") : nullptr;
            const YamlNode* reservations = resources ? resources->find("reservations") : nullptr;
            if (limits && limits->find("memory"))
                r.memory =
                    TRY(bytes("deploy.resources.limits.memory", limits->find("memory")->scalar));
            if (limits && limits->find("cpus")) cpus = limits->find("cpus")->scalar;
            if (limits && limits->find("pids"))
                r.pids_limit = parse_int(limits->find("pids")->scalar).value_or(0);
            if (reservations && reservations->find("memory")) {
                r.memory_reservation = TRY(bytes("deploy.resources.reservations.memory",
                                                 reservations->find("memory")->scalar));
            }
        }
        if (!cpus.empty()) {
            const auto value = YamlNode::of_plain(cpus).as_double();
            if (!value || *value < 0)
                return refuse("cpus", concat("\"", cpus, "\" is not a number of processors"));
            r.nano_cpus = std::llround(*value * 1e9);
        }
        return translate_limits(r);
    }

    Result<> translate_limits(api::Resources& r) {
        if (const YamlNode* ulimits = node_.find("ulimits")) {
            for (const auto& member : ulimits->members) {
                const YamlNode* soft =
                    member.value.is_mapping() ? member.value.find("soft") : &member.value;
                const YamlNode* hard =
                    member.value.is_mapping() ? member.value.find("hard") : &member.value;
                const auto soft_value = soft ? parse_int(soft->scalar) : std::nullopt;
                const auto hard_value = hard ? parse_int(hard->scalar) : std::nullopt;
                if (!soft_value || !hard_value)
                    return refuse("ulimits",
                                  concat(member.key, " needs a number, or soft and hard"));
                r.ulimits.push_back({member.key, *hard_value, *soft_value});
            }
        }
        for (const auto& device : list("devices")) {
            const auto parts = split(device, ':');
            r.devices.push_back({parts[0], parts.size() > 1 ? parts[1] : parts[0],
                                 parts.size() > 2 ? parts[2] : "rwm"});
        }
        r.device_cgroup_rules = list("device_cgroup_rules");
        request_.host_config.shm_size = TRY(bytes("shm_size", text("shm_size")));
        request_.host_config.oom_score_adj = static_cast<int>(TRY(integer("oom_score_adj")));
        return {};
    }

    Result<> translate_restart() {
        auto& policy = request_.host_config.restart_policy;
        policy.name = "no";
        if (options_.is_oneoff) return {};
        if (const YamlNode* deploy = node_.find("deploy");
            deploy && deploy->find("restart_policy") && !node_.find("restart")) {
            const YamlNode* wish = deploy->find("restart_policy");
            const std::string condition =
                wish->find("condition") ? wish->find("condition")->scalar : "any";
            policy.name = condition == "none"         ? "no"
                          : condition == "on-failure" ? "on-failure"
                                                      : "always";
            if (const YamlNode* attempts = wish->find("max_attempts");
                attempts && policy.name == "on-failure") {
                policy.maximum_retry_count =
                    static_cast<int>(parse_int(attempts->scalar).value_or(0));
            }
            return {};
        }
        const std::string wish = text("restart");
        if (wish.empty() || wish == "false") return {};
        const auto parts = split_once(wish, ':');
        policy.name = parts ? std::string(parts->first) : wish;
        if (policy.name != "no" && policy.name != "always" && policy.name != "unless-stopped" &&
            policy.name != "on-failure") {
            return refuse("restart",
                          concat("unknown policy \"", wish,
                                 "\": want no, always, on-failure[:N] or unless-stopped"));
        }
        if (parts) {
            const auto retries = parse_int(parts->second);
            if (!retries || policy.name != "on-failure")
                return refuse("restart", concat("invalid policy \"", wish, "\""));
            policy.maximum_retry_count = static_cast<int>(*retries);
        }
        return {};
    }

    Result<> translate_isolation() {
        auto& host = request_.host_config;
        host.cap_add = list("cap_add");
        host.cap_drop = list("cap_drop");
        host.dns = list("dns");
        host.dns_search = list("dns_search");
        host.dns_options = list("dns_opt");
        host.group_add = list("group_add");
        host.security_opt = list("security_opt");
        if (const YamlNode* hosts = node_.find("extra_hosts")) {
            for (const auto& member : hosts->members)
                host.extra_hosts.push_back(concat(member.key, ":", member.value.scalar));
        }
        host.privileged = flag("privileged");
        host.readonly_rootfs = flag("read_only");
        host.sysctls = map_of(node_.find("sysctls"));
        host.annotations = map_of(node_.find("annotations"));
        host.storage_opt = map_of(node_.find("storage_opt"));
        host.ipc_mode = TRY(resolve_mode(text("ipc")));
        host.pid_mode = TRY(resolve_mode(text("pid")));
        host.uts_mode = text("uts");
        host.userns_mode = text("userns_mode");
        host.cgroupns_mode = text("cgroup");
        host.runtime = text("runtime");
        if (node_.find("init")) host.init = flag("init");
        if (const YamlNode* logging = node_.find("logging")) {
            if (const YamlNode* driver = logging->find("driver"))
                host.log_config.type = driver->scalar;
            host.log_config.config = map_of(logging->find("options"));
        }
        return {};
    }

    void set_labels() {
        auto& labels = request_.config.labels;
        labels = map_of(node_.find("labels"));
        const auto set = [&](std::string_view key, std::string value) {
            labels[std::string(key)] = std::move(value);
        };
        std::vector<std::string> dependencies;
        for (const auto& d : service_.depends_on) {
            dependencies.push_back(concat(d.service, ":", to_string(d.condition), ":", d.restart));
        }
        set(label::project, project_.name);
        set(label::service, service_.name);
        set(label::config_hash, config_hash(service_));
        set(label::number, std::to_string(options_.number));
        set(label::oneoff, options_.is_oneoff ? "True" : "False");
        set(label::depends_on, join(dependencies, ","));
        set(label::config_files, join(project_.files, ","));
        set(label::working_dir, project_.working_dir);
        set(label::image, options_.image_id);
        set(label::version, BERTH_VERSION);
    }

    const Project& project_;
    const Service& service_;
    const YamlNode& node_;
    const ContainerRequestOptions& options_;
    api::ContainerCreateRequest request_;
};

}  // namespace

Result<api::ContainerCreateRequest> container_request(const Project& project,
                                                      const Service& service,
                                                      const ContainerRequestOptions& options) {
    return Translator(project, service, options).translate();
}

}  // namespace berth::compose
