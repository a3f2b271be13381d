#include "engine/configuration.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"
#include "container/log_plan.h"

namespace berth::engine {

using codec::Json;

namespace {
Error invalid(std::string_view key, std::string_view why) {
    return fail(ErrorCode::InvalidArgument, "invalid configuration '", key, "': ", why);
}

Result<> read_number(const Json& settings, const char* key, int smallest, int& value) {
    if (!settings.contains(key)) return {};
    const auto number = codec::get_int(settings, key);
    if (number < smallest || number > std::numeric_limits<int>::max())
        return invalid(key, concat("must be at least ", smallest));
    value = static_cast<int>(number);
    return {};
}

void read_text(const Json& settings, const char* key, std::string& value) {
    value = codec::get_string(settings, key, value);
}

Result<> read_pools(const Json& settings, Configuration& configuration) {
    const Json* pools = codec::find_member(settings, "default-address-pools");
    if (!pools) return {};
    for (const auto& pool : *pools) {
        const auto base = codec::get_string(pool, "base");
        const auto size = codec::get_int(pool, "size");
        if (base.find('/') == std::string::npos || size < 1 || size > 128)
            return invalid("default-address-pools",
                           "each needs base (ADDRESS/LENGTH) and size (a prefix length)");
        configuration.address_pools.emplace_back(base, static_cast<int>(size));
    }
    return {};
}

Result<> read_ulimits(const Json& settings, Configuration& configuration) {
    const Json* ulimits = codec::find_member(settings, "default-ulimits");
    if (!ulimits) return {};
    for (const auto& [name, entry] : ulimits->items()) {
        if (!entry.is_object()) return invalid("default-ulimits", "each needs Name, Soft and Hard");
        const auto soft = codec::get_int(entry, "Soft");
        const auto hard = codec::get_int(entry, "Hard", soft);
        if (hard != -1 && (soft > hard || soft == -1))
            return invalid("default-ulimits", "the soft limit is above the hard one");
        configuration.default_ulimits.push_back({name, soft, hard});
    }
    return {};
}

Result<> read_storage_limits(const Json& settings, StorageLimits& limits) {
    if (const auto text = codec::get_string(settings, "storage-max"); !text.empty()) {
        const auto bytes = parse_size(text);
        if (!bytes) return invalid("storage-max", "must be a size such as 20g");
        limits.max_bytes = *bytes;
    }
    const std::string text = codec::get_string(settings, "storage-keep-free");
    if (text.ends_with('%')) {
        const auto percent = parse_uint(text.substr(0, text.size() - 1));
        if (!percent || *percent > 99)
            return invalid("storage-keep-free", "must be a size such as 10g, or 0% to 99%");
        limits.keep_free_percent = static_cast<std::int64_t>(*percent);
    } else if (!text.empty()) {
        const auto bytes = parse_size(text);
        if (!bytes) return invalid("storage-keep-free", "must be a size such as 10g, or 0% to 99%");
        limits.keep_free_bytes = *bytes;
    }
    return {};
}

Result<> check_hosts(const Configuration& configuration) {
    for (const auto& host : configuration.hosts) {
        const bool is_tcp = host.starts_with("tcp://");
        if (!is_tcp && !host.starts_with("unix://") && !host.starts_with("fd://"))
            return invalid("hosts",
                           concat("'", host, "' is not unix://PATH, tcp://HOST:PORT or fd://"));
        if (is_tcp && !configuration.tls.verify) {
            return invalid("hosts",
                           concat("'", host, "' would let everyone who reaches it become root"))
                .with_hint(
                    "add --tlsverify with --tlscacert, --tlscert and --tlskey, or use ssh:// from "
                    "the "
                    "client");
        }
    }
    return {};
}
}  // namespace

std::optional<std::int64_t> parse_size(std::string_view text) {
    std::string unit;
    std::string lower = to_lower(trim(text));
    while (!lower.empty() && !(lower.back() >= '0' && lower.back() <= '9')) {
        unit.insert(unit.begin(), lower.back());
        lower.pop_back();
    }
    const auto number = parse_uint(lower);
    if (!number) return std::nullopt;
    static const std::map<std::string, int, std::less<>> shifts{
        {"", 0},     {"b", 0},  {"k", 10},  {"kb", 10},  {"kib", 10}, {"m", 20},  {"mb", 20},
        {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}, {"t", 40},   {"tb", 40}, {"tib", 40}};
    const auto shift = shifts.find(std::string(trim(unit)));
    if (shift == shifts.end() || *number > (std::uint64_t{1} << (62 - shift->second)))
        return std::nullopt;
    return static_cast<std::int64_t>(*number << shift->second);
}

std::string size_text(std::int64_t bytes) {
    static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    std::int64_t tenths = bytes * 10;
    while (tenths >= 10240 && unit + 1 < units.size()) {
        tenths = (tenths + 512) / 1024;
        ++unit;
    }
    const auto rest = tenths % 10;
    return rest == 0 ? concat(tenths / 10, units[unit])
                     : concat(tenths / 10, ".", rest, units[unit]);
}

Result<Configuration> Configuration::from_settings(const Json& settings) {
    Configuration out;
    out.hosts = codec::get_strings(settings, "hosts");
    read_text(settings, "data-root", out.data_root);
    read_text(settings, "exec-root", out.exec_root);
    for (auto* path : {&out.data_root, &out.exec_root}) {
        while (path->size() > 1 && path->ends_with('/')) path->pop_back();
        if (!path->starts_with('/'))
            return invalid(path == &out.data_root ? "data-root" : "exec-root",
                           "must be an absolute path");
    }
    if (out.hosts.empty()) out.hosts.push_back("unix://" + out.exec_root + "/berth.sock");
    if (codec::get_bool(settings, "debug")) out.log_level = "debug";
    read_text(settings, "log-level", out.log_level);
    if (out.log_level == "fatal") out.log_level = "error";
    if (out.log_level != "debug" && out.log_level != "info" && out.log_level != "warn" &&
        out.log_level != "error")
        return invalid("log-level", "must be debug, info, warn or error");
    read_text(settings, "pidfile", out.pidfile);
    out.group_was_set = settings.contains("group");
    read_text(settings, "group", out.group);
    out.insecure_registries = codec::get_strings(settings, "insecure-registries");
    out.registry_mirrors = codec::get_strings(settings, "registry-mirrors");
    read_text(settings, "registry-hosts-dir", out.registry_hosts_dirs);
    out.labels = codec::get_strings(settings, "labels");
    out.host_ca = codec::get_bool(settings, "host-ca");
    out.init = codec::get_bool(settings, "init");
    out.ip_forward = codec::get_bool(settings, "ip-forward", true);
    out.icc = codec::get_bool(settings, "icc", true);
    out.ip_masquerade = codec::get_bool(settings, "ip-masq", true);
    read_text(settings, "log-driver", out.log_driver);
    const auto drivers = container::log_drivers();
    if (std::find(drivers.begin(), drivers.end(), out.log_driver) == drivers.end())
        return invalid("log-driver",
                       concat("'", out.log_driver, "' is not one of ", join(drivers, ", ")));
    for (const auto& [key, value] : codec::get_string_map(settings, "log-opts"))
        out.log_options[key] = value;
    read_text(settings, "bip", out.bridge_address);
    read_text(settings, "ip", out.default_host_address);
    TRY(read_number(settings, "mtu", 0, out.mtu));
    TRY(read_pools(settings, out));
    out.dns = codec::get_strings(settings, "dns");
    out.dns_options = codec::get_strings(settings, "dns-opts");
    out.dns_search = codec::get_strings(settings, "dns-search");
    TRY(read_ulimits(settings, out));
    if (settings.contains("default-shm-size")) {
        const auto size = parse_size(codec::get_string(settings, "default-shm-size"));
        if (!size || *size == 0) return invalid("default-shm-size", "must be a size such as 64m");
        out.default_shm_size = *size;
    }
    read_text(settings, "default-userns-mode", out.default_userns_mode);
    const std::string& userns_mode = out.default_userns_mode;
    if (!userns_mode.empty() && userns_mode != "host" && userns_mode != "auto")
        return invalid("default-userns-mode",
                       concat("'", out.default_userns_mode, "' is neither host nor auto"));
    TRY(read_number(settings, "default-stop-timeout", -1, out.default_stop_timeout));
    read_text(settings, "cgroup-parent", out.cgroup_parent);
    read_text(settings, "storage-driver", out.storage_driver);
    read_text(settings, "layer-blobs", out.layer_blobs);
    if (out.layer_blobs != "keep" && out.layer_blobs != "drop-pulled" && out.layer_blobs != "drop")
        return invalid("layer-blobs",
                       concat("'", out.layer_blobs, "' is none of keep, drop-pulled and drop"));
    TRY(read_storage_limits(settings, out.storage_limits));
    TRY(read_number(settings, "max-concurrent-downloads", 1, out.concurrent_downloads));
    TRY(read_number(settings, "max-concurrent-uploads", 1, out.concurrent_uploads));
    out.tls.verify = codec::get_bool(settings, "tlsverify");
    out.tls.enabled = out.tls.verify || codec::get_bool(settings, "tls");
    read_text(settings, "tlscacert", out.tls.ca_certificate);
    read_text(settings, "tlscert", out.tls.certificate);
    read_text(settings, "tlskey", out.tls.key);
    TRY(check_hosts(out));
    const Json* proxies = codec::find_member(settings, "proxies");
    for (const auto& [key, value] :
         {std::pair{"http-proxy", &out.http_proxy}, std::pair{"https-proxy", &out.https_proxy},
          std::pair{"no-proxy", &out.no_proxy}}) {
        if (proxies) read_text(*proxies, key, *value);
        read_text(settings, key, *value);
    }
    return out;
}

}  // namespace berth::engine
