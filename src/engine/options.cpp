#include "engine/options.h"

#include <algorithm>
#include <map>

namespace berth::engine {

using codec::Json;

namespace {
using enum OptionKind;
using enum OptionEffect;

constexpr std::string_view by_design = "Berth does this always";
constexpr std::string_view by_nftables = "Berth keeps its rules in an nftables table of its own";
constexpr std::string_view no_swarm = "Berth has no Swarm mode";
constexpr std::string_view one_process = "Berth has no containerd";

constexpr Option table[] = {
    {"host", 'H', "hosts", List, Used,
     "socket to listen on: unix://PATH, tcp://HOST:PORT (needs --tlsverify), fd://"},
    {"data-root", 0, "data-root", Text, Used,
     "where images, containers and volumes live (default /var/lib/berth)"},
    {"exec-root", 0, "exec-root", Text, Used,
     "where sockets and other run-time state live (default /run/berth)"},
    {"debug", 'D', "debug", Flag, Used, "log more"},
    {"log-level", 'l', "log-level", Text, Used, "debug, info, warn or error"},
    {"pidfile", 'p', "pidfile", Text, Used, "file that holds the engine's process id"},
    {"group", 'G', "group", Text, Used,
     "group that may use the unix socket (default berth, when it exists)"},
    {"insecure-registry", 0, "insecure-registries", List, Used,
     "registry that may be spoken to without TLS"},
    {"registry-mirror", 0, "registry-mirrors", List, Used, "mirror of Docker Hub to ask first"},
    {"registry-hosts-dir", 0, "registry-hosts-dir", Text, Used,
     "folders of <host>/hosts.toml, mirrors of any registry (default "
     "/etc/berth/hosts.d:/etc/containerd/certs.d)"},
    {"host-ca", 0, "host-ca", Flag, Used,
     "let builds and containers trust the host's certificate authorities"},
    {"log-driver", 0, "log-driver", Text, Used,
     "log driver for containers: json-file, local, journald, syslog, fluentd, gelf or none"},
    {"log-opt", 0, "log-opts", Map, Used, "option of the log driver, e.g. max-size=10m"},
    {"bip", 0, "bip", Text, Used, "address and prefix length of the default bridge"},
    {"ip", 0, "ip", Text, Used, "host address for published ports that name none"},
    {"mtu", 0, "mtu", Number, Used, "MTU of containers' networks"},
    {"ip-forward", 0, "ip-forward", Flag, Used, "switch IP forwarding on"},
    {"ip-masq", 0, "ip-masq", Flag, Used,
     "give what leaves the default bridge the host's address (default true)"},
    {"icc", 0, "icc", Flag, Used,
     "let containers on the default bridge reach each other (default true)"},
    {"default-address-pool", 0, "default-address-pools", Pools, Used,
     "base=10.0.0.0/8,size=24: where networks come from"},
    {"dns", 0, "dns", List, Used, "name server for containers"},
    {"dns-opt", 0, "dns-opts", List, Used, "resolver option for containers"},
    {"dns-search", 0, "dns-search", List, Used, "search domain for containers"},
    {"default-ulimit", 0, "default-ulimits", Ulimits, Used,
     "nofile=1024:4096: default limit for containers"},
    {"default-shm-size", 0, "default-shm-size", Text, Used,
     "size of /dev/shm in containers (default 64m)"},
    {"default-userns-mode", 0, "default-userns-mode", Text, Used,
     "host, or auto: a user namespace for each container that it suits (default: auto for berth's "
     "own verbs, host for others)"},
    {"default-stop-timeout", 0, "default-stop-timeout", Number, Used,
     "seconds until a stopped container is killed"},
    {"init", 0, "init", Flag, Used, "run an init as process 1 of containers"},
    {"cgroup-parent", 0, "cgroup-parent", Text, Used, "cgroup that holds the containers'"},
    {"label", 0, "labels", List, Used, "label of this engine, shown by info"},
    {"max-concurrent-downloads", 0, "max-concurrent-downloads", Number, Used,
     "layers pulled at once (default 3)"},
    {"max-concurrent-uploads", 0, "max-concurrent-uploads", Number, Used,
     "layers pushed at once (default 5)"},
    {"layer-blobs", 0, "layer-blobs", Text, Used,
     "keep; drop-pulled: compressed layers are not kept where they were pulled from a registry "
     "that "
     "gives them to anyone; drop: nor where they were pushed to one (default drop-pulled)"},
    {"storage-max", 0, "storage-max", Text, Used,
     "size that the data root may reach, such as 20g (default none)"},
    {"storage-keep-free", 0, "storage-keep-free", Text, Used,
     "size or share of its file system that stays free, such as 10g or 15% (default none)"},
    {"shutdown-timeout", 0, "shutdown-timeout", Number, Ignored,
     "containers keep running when the engine stops"},
    {"storage-driver", 's', "storage-driver", Text, Used,
     "erofs, erofs-loop or directory; overlay2 means the best one here"},
    {"tls", 0, "tls", Flag, Used, "serve tcp:// with TLS"},
    {"tlsverify", 0, "tlsverify", Flag, Used,
     "serve tcp:// with TLS and check the client's certificate"},
    {"tlscacert", 0, "tlscacert", Text, Used, "authority that signs clients' certificates"},
    {"tlscert", 0, "tlscert", Text, Used, "the engine's certificate"},
    {"tlskey", 0, "tlskey", Text, Used, "the engine's key"},
    {"http-proxy", 0, "http-proxy", Text, Used, "proxy for pulls over http"},
    {"https-proxy", 0, "https-proxy", Text, Used, "proxy for pulls over https"},
    {"no-proxy", 0, "no-proxy", Text, Used, "hosts that are reached without a proxy"},
    {"", 0, "proxies", Object, Used, "http-proxy, https-proxy, no-proxy"},
    {"", 0, "features", Object, Ignored, "features are not optional in Berth"},
    {"", 0, "builder", Object, Ignored, "the build cache is pruned with `builder prune`"},
    {"config-file", 0, "", Text, Used, "configuration file (default /etc/berth/daemon.json)"},
    {"validate", 0, "", Flag, Used, "check the configuration and stop"},
    {"version", 'v', "", Flag, Used, "print the version"},
    {"help", 0, "", Flag, Used, "print this text"},
    {"live-restore", 0, "live-restore", Flag, Ignored, by_design},
    {"experimental", 0, "experimental", Flag, Ignored, "Berth has no experimental switch"},
    {"userland-proxy", 0, "userland-proxy", Flag, Ignored,
     "published ports need no proxy in Berth"},
    {"userland-proxy-path", 0, "userland-proxy-path", Text, Ignored,
     "published ports need no proxy in Berth"},
    {"iptables", 0, "iptables", Flag, Ignored, by_nftables},
    {"ip6tables", 0, "ip6tables", Flag, Ignored, by_nftables},
    {"firewall-backend", 0, "firewall-backend", Text, Ignored, by_nftables},
    {"ip-forward-no-drop", 0, "ip-forward-no-drop", Flag, Ignored, by_nftables},
    {"allow-direct-routing", 0, "allow-direct-routing", Flag, Ignored, by_nftables},
    {"raw-logs", 0, "raw-logs", Flag, Ignored, "logs carry no colours"},
    {"log-format", 0, "log-format", Text, Ignored, "logs have one format"},
    {"max-download-attempts", 0, "max-download-attempts", Number, Ignored,
     "downloads resume by themselves"},
    {"containerd", 0, "containerd", Text, Ignored, one_process},
    {"containerd-namespace", 0, "containerd-namespace", Text, Ignored, one_process},
    {"containerd-plugins-namespace", 0, "containerd-plugins-namespace", Text, Ignored, one_process},
    {"network-control-plane-mtu", 0, "network-control-plane-mtu", Number, Ignored, no_swarm},
    {"swarm-default-advertise-addr", 0, "swarm-default-advertise-addr", Text, Ignored, no_swarm},
    {"storage-opt", 0, "storage-opts", List, Ignored, "Berth's storage has no options"},
    {"exec-opt", 0, "exec-opts", List, Ignored, "Berth manages cgroups itself"},
    {"default-runtime", 0, "default-runtime", Text, Ignored, "Berth runs containers itself"},
    {"add-runtime", 0, "", List, Ignored, "Berth runs containers itself"},
    {"", 0, "runtimes", Object, Ignored, "Berth runs containers itself"},
    {"default-cgroupns-mode", 0, "default-cgroupns-mode", Text, Ignored,
     "containers get a cgroup namespace of their own"},
    {"default-ipc-mode", 0, "default-ipc-mode", Text, Ignored,
     "containers get an IPC namespace of their own"},
    {"oom-score-adjust", 0, "oom-score-adjust", Number, Ignored, "set it in the service unit"},
    {"metrics-addr", 0, "metrics-addr", Text, Refused, "metrics are not served yet"},
    {"min-api-version", 0, "min-api-version", Text, Ignored, "all versions are served"},
    {"authorization-plugin", 0, "authorization-plugins", List, Refused,
     "authorization plugins are not supported"},
    {"userns-remap", 0, "userns-remap", Text, Refused,
     "user namespace remapping is not supported yet"},
    {"selinux-enabled", 0, "selinux-enabled", Flag, Refused,
     "SELinux labels are not supported yet"},
    {"seccomp-profile", 0, "seccomp-profile", Text, Refused,
     "use --security-opt seccomp= with the container"},
    {"rootless", 0, "rootless", Flag, Refused, "rootless mode is not supported yet"},
};

const Option* find_flag(std::string_view name) {
    const auto found = std::find_if(std::begin(table), std::end(table), [&](const Option& o) {
        return !o.flag.empty() && o.flag == name;
    });
    return found == std::end(table) ? nullptr : found;
}

const Option* find_short(char name) {
    const auto found = std::find_if(std::begin(table), std::end(table), [&](const Option& o) {
        return o.short_flag && o.short_flag == name;
    });
    return found == std::end(table) ? nullptr : found;
}

const Option* find_key(std::string_view key) {
    const auto found = std::find_if(std::begin(table), std::end(table), [&](const Option& o) {
        return !o.key.empty() && o.key == key;
    });
    return found == std::end(table) ? nullptr : found;
}

Error bad_value(const Option& option, std::string_view value, std::string_view expected) {
    return fail(ErrorCode::InvalidArgument, "invalid value '", value, "' for --", option.flag,
                ": expected ", expected);
}

Result<> add_ulimit(Json& target, const Option& option, const std::string& value) {
    const auto pair = split_once(value, '=');
    if (!pair) return bad_value(option, value, "name=soft[:hard]");
    const auto limits = split(pair->second, ':');
    const auto soft = parse_int(limits[0]);
    const auto hard = limits.size() > 1 ? parse_int(limits[1]) : soft;
    if (!soft || !hard || limits.size() > 2) return bad_value(option, value, "name=soft[:hard]");
    target[std::string(pair->first)] = {{"Name", pair->first}, {"Soft", *soft}, {"Hard", *hard}};
    return {};
}

Result<> add_pool(Json& target, const Option& option, const std::string& value) {
    Json pool = Json::object();
    for (const auto& part : split(value, ',')) {
        const auto pair = split_once(part, '=');
        const auto size = pair && pair->first == "size" ? parse_int(pair->second) : std::nullopt;
        if (pair && pair->first == "base") {
            pool["base"] = pair->second;
        } else if (size) {
            pool["size"] = *size;
        } else {
            return bad_value(option, value, "base=ADDRESS/LENGTH,size=LENGTH");
        }
    }
    target.push_back(std::move(pool));
    return {};
}

Result<> set_value(Json& target, const Option& option, const std::string& value) {
    switch (option.kind) {
        case Text: target = value; return {};
        case Number: {
            const auto number = parse_int(value);
            if (!number) return bad_value(option, value, "a number");
            target = *number;
            return {};
        }
        case Flag: {
            if (value != "true" && value != "false" && value != "1" && value != "0")
                return bad_value(option, value, "true or false");
            target = value == "true" || value == "1";
            return {};
        }
        case List: target.push_back(value); return {};
        case Map: {
            const auto pair = split_once(value, '=');
            if (!pair) return bad_value(option, value, "key=value");
            target[std::string(pair->first)] = pair->second;
            return {};
        }
        case Ulimits: return add_ulimit(target, option, value);
        case Pools: return add_pool(target, option, value);
        case Object: return {};
    }
    return {};
}

Result<> apply_flag(ParsedFlags& parsed, const Option& option, const std::string& value) {
    if (option.effect == Refused && value != "false" && !value.empty())
        return fail(ErrorCode::Unsupported, "--", option.flag, ": ", option.help);
    Json flag_only;
    TRY(set_value(option.key.empty() ? flag_only : parsed.settings[std::string(option.key)], option,
                  value));
    if (option.flag == "config-file") parsed.config_file = value;
    if (option.flag == "validate") parsed.validate_only = flag_only.get<bool>();
    if (option.flag == "version") parsed.show_version = flag_only.get<bool>();
    if (option.flag == "help") parsed.show_help = flag_only.get<bool>();
    return {};
}

Error unknown_flag(std::string_view flag) {
    std::vector<std::string> names;
    for (const Option& option : table)
        if (!option.flag.empty()) names.emplace_back(option.flag);
    auto error = fail(ErrorCode::InvalidArgument, "unknown flag: ", flag);
    const auto near = nearest(flag.substr(std::min<std::size_t>(2, flag.size())), names);
    return near ? std::move(error).with_hint(concat("did you mean --", *near, "?"))
                : std::move(error);
}

bool has_kind(const Json& value, OptionKind kind) {
    switch (kind) {
        case Text: return value.is_string();
        case Number: return value.is_number_integer();
        case Flag: return value.is_boolean();
        case List:
        case Pools: return value.is_array();
        case Map:
        case Ulimits:
        case Object: return value.is_object();
    }
    return false;
}

std::string_view kind_name(OptionKind kind) {
    switch (kind) {
        case Text: return "a string";
        case Number: return "a number";
        case Flag: return "true or false";
        case List:
        case Pools: return "a list";
        case Map:
        case Ulimits:
        case Object: return "an object";
    }
    return "";
}

Error unknown_key(std::string_view key) {
    std::vector<std::string> names;
    for (const Option& option : table)
        if (!option.key.empty()) names.emplace_back(option.key);
    auto error =
        fail(ErrorCode::InvalidArgument, "unknown key '", key, "' in the configuration file");
    const auto near = nearest(key, names);
    return near ? std::move(error).with_hint(concat("did you mean '", *near, "'?"))
                : std::move(error);
}
}  // namespace

std::span<const Option> options() { return table; }

Result<ParsedFlags> parse_flags(std::span<const std::string> arguments) {
    ParsedFlags parsed;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const Option* option = nullptr;
        std::optional<std::string> value;
        if (argument.starts_with("--")) {
            const auto pair = split_once(std::string_view(argument).substr(2), '=');
            option = find_flag(pair ? pair->first : std::string_view(argument).substr(2));
            if (pair) value = std::string(pair->second);
        } else if (argument.starts_with('-') && argument.size() >= 2) {
            option = argument == "-h" ? find_flag("help") : find_short(argument[1]);
            if (option && argument.size() > 2) value = argument.substr(argument[2] == '=' ? 3 : 2);
        } else {
            return fail(ErrorCode::InvalidArgument, "unexpected argument '", argument, "'");
        }
        if (!option) return unknown_flag(argument);
        if (!value && option->kind == Flag) value = "true";
        if (!value && ++i < arguments.size()) value = arguments[i];
        if (!value) return fail(ErrorCode::InvalidArgument, "flag needs an argument: ", argument);
        TRY(apply_flag(parsed, *option, *value));
    }
    return parsed;
}

namespace {

// Of these options Berth does one thing. A daemon that is asked for another one would leave
// containers less apart, or otherwise apart, than their owner believes; so that is refused and not
// just noted.
const std::map<std::string, std::vector<std::string_view>> only_values = {
    {"default-runtime", {"runc", "io.containerd.runc.v2", "berth-runtime"}},
    {"default-cgroupns-mode", {"private"}},
    {"default-ipc-mode", {"private"}},
};

}  // namespace

Result<Json> merge_settings(const Json& file, const Json& flags) {
    if (!file.is_object())
        return fail(ErrorCode::InvalidArgument, "the configuration file must hold a JSON object");
    std::vector<std::string> twice;
    Json merged = Json::object();
    for (const auto& [key, value] : file.items()) {
        const Option* option = find_key(key);
        if (!option) return unknown_key(key);
        if (!has_kind(value, option->kind))
            return fail(ErrorCode::InvalidArgument, "'", key,
                        "' in the configuration file must be ", kind_name(option->kind));
        if (option->effect == Refused && value != Json(false) && value != Json("") &&
            !value.empty())
            return fail(ErrorCode::Unsupported, "'", key,
                        "' in the configuration file: ", option->help);
        if (flags.contains(key)) twice.push_back(key);
        merged[key] = value;
    }
    if (!twice.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    "the following directives are specified both as a flag and in the ",
                    "configuration file: ", join(twice, ", "));
    }
    for (const auto& [key, value] : flags.items()) merged[key] = value;
    for (const auto& [key, meant] : only_values) {
        const std::string value = codec::get_string(merged, key);
        if (value.empty() || std::ranges::find(meant, value) != meant.end()) continue;
        return fail(ErrorCode::Unsupported, "'", key, "': '", value,
                    "' is not supported: ", find_key(key)->help);
    }
    return merged;
}

std::vector<std::string> notes_on(const Json& settings) {
    std::vector<std::string> notes;
    for (const auto& [key, value] : settings.items()) {
        const Option* option = find_key(key);
        if (option && option->effect == Ignored)
            notes.push_back(concat("'", key, "' has no effect: ", option->help));
    }
    return notes;
}

std::string usage(std::string_view program) {
    std::string text = concat(
        "Usage: ", program,
        " [OPTIONS]\n\nThe Berth engine: containers for this host behind the Docker Engine API.\n",
        "Containers go on running when it stops or is replaced.\n\nOptions:\n");
    for (const Option& option : table) {
        if (option.flag.empty() || option.effect != Used) continue;
        std::string left =
            option.short_flag ? concat("  -", option.short_flag, ", --") : std::string("      --");
        left += option.flag;
        if (option.kind == List || option.kind == Map || option.kind == Ulimits ||
            option.kind == Pools)
            left += " list";
        if (option.kind == Text) left += " string";
        if (option.kind == Number) left += " number";
        left.resize(std::max<std::size_t>(left.size() + 2, 40), ' ');
        text += left + std::string(option.help) + "\n";
    }
    text += concat("\nExample:\n  ", program,
                   " --data-root /srv/berth -H unix:///run/berth/berth.sock -G developers\n",
                   "\nOther flags of dockerd are accepted; those without an effect here are named "
                   "in the log.\n");
    return text;
}

}  // namespace berth::engine
