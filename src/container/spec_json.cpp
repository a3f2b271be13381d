#include "container/spec_json.h"

#include "codec/json.h"

namespace berth::container {
namespace {

using codec::Json;

// One list of members for each type, used in both directions: a visitor is called with name and
// member.
template <typename V>
void visit(V& v, Port& x) {
    v("number", x.number), v("protocol", x.protocol);
}
template <typename V>
void visit(V& v, PortBinding& x) {
    v("address", x.host_address), v("port", x.host_port), v("end", x.host_port_end);
}
template <typename V>
void visit(V& v, Healthcheck& x) {
    v("test", x.test), v("interval", x.interval), v("timeout", x.timeout),
        v("start_period", x.start_period);
    v("start_interval", x.start_interval), v("retries", x.retries);
}
template <typename V>
void visit(V& v, MountRequest& x) {
    v("type", x.type), v("source", x.source), v("target", x.target), v("read_only", x.read_only);
    v("read_only_non_recursive", x.read_only_non_recursive), v("non_recursive", x.non_recursive),
        v("create_mountpoint", x.create_mountpoint);
    v("image_id", x.image_id);
    v("propagation", x.propagation), v("no_copy", x.no_copy), v("subpath", x.subpath),
        v("driver", x.driver);
    v("driver_options", x.driver_options), v("labels", x.labels), v("tmpfs_size", x.tmpfs_size),
        v("tmpfs_mode", x.tmpfs_mode);
}
template <typename V>
void visit(V& v, RestartPolicy& x) {
    v("mode", x.mode), v("max_retries", x.max_retries);
}
template <typename V>
void visit(V& v, Ulimit& x) {
    v("name", x.name), v("soft", x.soft), v("hard", x.hard);
}
template <typename V>
void visit(V& v, DeviceRequest& x) {
    v("host", x.host_path), v("container", x.container_path), v("permissions", x.permissions);
}
template <typename V>
void visit(V& v, DeviceClaim& x) {
    v("driver", x.driver), v("count", x.count), v("ids", x.ids), v("capabilities", x.capabilities),
        v("options", x.options);
}
template <typename V>
void visit(V& v, UserIds& x) {
    v("first", x.first), v("count", x.count);
}
template <typename V>
void visit(V& v, FilesOwner& x) {
    v("uid", x.uid), v("gid", x.gid);
}
template <typename V>
void visit(V& v, ThrottleDevice& x) {
    v("path", x.path), v("rate", x.rate);
}
template <typename V>
void visit(V& v, Resources& x) {
    v("memory", x.memory), v("memory_swap", x.memory_swap),
        v("memory_reservation", x.memory_reservation);
    v("memory_swappiness", x.memory_swappiness), v("nano_cpus", x.nano_cpus),
        v("cpu_shares", x.cpu_shares);
    v("cpu_period", x.cpu_period), v("cpu_quota", x.cpu_quota), v("cpu_rt_period", x.cpu_rt_period);
    v("cpu_rt_runtime", x.cpu_rt_runtime), v("cpuset_cpus", x.cpuset_cpus),
        v("cpuset_mems", x.cpuset_mems);
    v("pids_limit", x.pids_limit), v("blkio_weight", x.blkio_weight),
        v("blkio_read_bps", x.blkio_read_bps);
    v("blkio_write_bps", x.blkio_write_bps), v("blkio_read_iops", x.blkio_read_iops);
    v("blkio_write_iops", x.blkio_write_iops), v("blkio_weight_device", x.blkio_weight_device);
    v("oom_kill_disable", x.oom_kill_disable);
}
template <typename V>
void visit(V& v, LogConfig& x) {
    v("driver", x.driver), v("options", x.options);
}
template <typename V>
void visit(V& v, EndpointSpec& x) {
    v("aliases", x.aliases), v("links", x.links), v("ipv4_address", x.ipv4_address),
        v("ipv6_address", x.ipv6_address), v("link_local_ips", x.link_local_ips),
        v("gw_priority", x.gw_priority);
    v("mac_address", x.mac_address), v("driver_options", x.driver_options);
}
template <typename V>
void visit(V& v, HostConfig& x) {
    v("binds", x.binds), v("mounts", x.mounts), v("volumes_from", x.volumes_from),
        v("tmpfs", x.tmpfs);
    v("port_bindings", x.port_bindings), v("publish_all_ports", x.publish_all_ports),
        v("network_mode", x.network_mode);
    v("links", x.links), v("extra_hosts", x.extra_hosts), v("dns", x.dns),
        v("dns_options", x.dns_options);
    v("dns_search", x.dns_search), v("restart", x.restart), v("auto_remove", x.auto_remove),
        v("cap_add", x.cap_add);
    v("cap_drop", x.cap_drop), v("security_opt", x.security_opt), v("group_add", x.group_add);
    v("privileged", x.privileged), v("read_only_rootfs", x.read_only_rootfs),
        v("shm_size", x.shm_size);
    v("ulimits", x.ulimits), v("sysctls", x.sysctls), v("resources", x.resources),
        v("devices", x.devices), v("device_claims", x.device_claims);
    v("device_cgroup_rules", x.device_cgroup_rules), v("pid_mode", x.pid_mode),
        v("ipc_mode", x.ipc_mode);
    v("uts_mode", x.uts_mode), v("userns_mode", x.userns_mode), v("cgroupns_mode", x.cgroupns_mode);
    v("cgroup_parent", x.cgroup_parent), v("cgroup", x.cgroup), v("runtime", x.runtime),
        v("init", x.init);
    v("oom_score_adj", x.oom_score_adj), v("log", x.log),
        v("container_id_file", x.container_id_file);
    v("volume_driver", x.volume_driver), v("isolation", x.isolation),
        v("rows", x.console_size.first);
    v("columns", x.console_size.second), v("annotations", x.annotations),
        v("storage_options", x.storage_options);
    v("masked_paths", x.masked_paths), v("readonly_paths", x.readonly_paths),
        v("host_ca", x.host_ca);
    v("files_owner", x.files_owner);
}
template <typename V>
void visit(V& v, ContainerSpec& x) {
    v("image", x.image), v("platform", x.platform), v("hostname", x.hostname),
        v("domainname", x.domainname);
    v("user", x.user), v("working_dir", x.working_dir), v("env", x.env), v("cmd", x.cmd),
        v("entrypoint", x.entrypoint);
    v("shell", x.shell), v("labels", x.labels), v("exposed_ports", x.exposed_ports),
        v("volumes", x.volumes);
    v("stop_signal", x.stop_signal), v("stop_timeout", x.stop_timeout),
        v("healthcheck", x.healthcheck), v("tty", x.tty);
    v("open_stdin", x.open_stdin), v("stdin_once", x.stdin_once), v("attach_stdin", x.attach_stdin);
    v("attach_stdout", x.attach_stdout), v("attach_stderr", x.attach_stderr),
        v("network_disabled", x.network_disabled);
    v("args_escaped", x.args_escaped), v("on_build", x.on_build), v("mac_address", x.mac_address),
        v("host", x.host);
    v("networks", x.networks), v("user_ids", x.user_ids);
}

/// Writes what differs from the default.
class Writer {
public:
    template <typename T>
    void operator()(const char* name, T& member) {
        if (member == T{}) return;
        out[name] = value(member);
    }
    void operator()(const char* name, std::string& member) {
        // Kept even when it is empty where the default is not (network_mode).
        out[name] = member;
    }
    template <typename T>
    requires std::is_enum_v<T>
    void operator()(const char* name, T& member) {
        out[name] =
            static_cast<int>(member);  // a member's default need not be the first enumerator
    }
    Json out = Json::object();

private:
    template <typename T>
    static Json value(T& x) {
        if constexpr (std::is_enum_v<T>)
            return static_cast<int>(x);
        else if constexpr (requires {
                               x.count();
                               x.zero();
                           })
            return x.count();
        else if constexpr (std::is_constructible_v<Json, T&>)
            return plain(x);
        else
            return record(x);
    }
    template <typename T>
    static Json plain(T& x) {
        return Json(x);
    }
    template <typename T>
    static Json record(T& x) {
        Writer writer;
        visit(writer, x);
        return std::move(writer.out);
    }
    template <typename T>
    static Json value(std::optional<T>& x) {
        return value(*x);
    }
    template <typename T>
    static Json value(std::vector<T>& list) {
        Json array = Json::array();
        for (T& item : list) array.push_back(value(item));
        return array;
    }
    static Json value(StringMap& map) {
        Json object = Json::object();
        for (auto& [key, text] : map) object[key] = text;
        return object;
    }
    static Json value(std::map<std::string, EndpointSpec>& map) {
        Json object = Json::object();
        for (auto& [key, endpoint] : map) object[key] = value(endpoint);
        return object;
    }
    static Json value(std::map<Port, std::vector<PortBinding>>& map) {
        Json object = Json::object();
        for (auto& [port, bindings] : map) object[port.to_string()] = value(bindings);
        return object;
    }
};

class Reader {
public:
    explicit Reader(const Json& in) : in_(in) {}
    template <typename T>
    void operator()(const char* name, T& member) {
        if (const Json* found = codec::find_member(in_, name)) read(*found, member);
        // Earlier versions left the first enumerator out, even where the default is another one
        // (MountRequest::type).
        else if constexpr (std::is_enum_v<T>)
            member = T{};
    }

private:
    static void read(const Json& json, std::string& x) {
        if (json.is_string()) x = json.get<std::string>();
    }
    static void read(const Json& json, bool& x) {
        if (json.is_boolean()) x = json.get<bool>();
    }
    template <typename T>
    requires std::is_integral_v<T>
    static void read(const Json& json, T& x) {
        if (json.is_number()) x = json.get<T>();
    }
    template <typename T>
    requires std::is_enum_v<T>
    static void read(const Json& json, T& x) {
        if (json.is_number()) x = static_cast<T>(json.get<int>());
    }
    static void read(const Json& json, std::chrono::nanoseconds& x) {
        if (json.is_number()) x = std::chrono::nanoseconds(json.get<std::int64_t>());
    }
    template <typename T>
    requires std::is_class_v<T>
    static void read(const Json& json, T& x) {
        Reader reader(json);
        visit(reader, x);
    }
    template <typename T>
    static void read(const Json& json, std::optional<T>& x) {
        read(json, x.emplace());
    }
    template <typename T>
    static void read(const Json& json, std::vector<T>& list) {
        if (!json.is_array()) return;
        for (const Json& item : json) read(item, list.emplace_back());
    }
    static void read(const Json& json, StringMap& map) {
        for (const auto& [key, item] : json.items()) read(item, map[key]);
    }
    static void read(const Json& json, std::map<std::string, EndpointSpec>& map) {
        for (const auto& [key, item] : json.items()) read(item, map[key]);
    }
    static void read(const Json& json, std::map<Port, std::vector<PortBinding>>& map) {
        for (const auto& [key, item] : json.items()) {
            if (auto port = Port::parse(key)) read(item, map[*port]);
        }
    }
    const Json& in_;
};

}  // namespace

std::string to_json(const ContainerSpec& spec) {
    Writer writer;
    visit(writer, const_cast<ContainerSpec&>(spec));
    return codec::dump_json(writer.out);
}

Result<ContainerSpec> parse_spec(std::string_view json) {
    auto document = codec::parse_json(json);
    if (!document || !document->is_object())
        return fail(ErrorCode::Corrupted, "a container's stored spec is no JSON object");
    ContainerSpec spec;
    Reader reader(*document);
    visit(reader, spec);
    return spec;
}

std::string to_json(const std::vector<MountRequest>& mounts) {
    ContainerSpec carrier;
    carrier.host.mounts = mounts;
    return to_json(carrier);
}

Result<std::vector<MountRequest>> parse_mounts(std::string_view json) {
    ContainerSpec carrier = TRY(parse_spec(json));
    return std::move(carrier.host.mounts);
}

}  // namespace berth::container
