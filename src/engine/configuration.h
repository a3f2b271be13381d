#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace berth::engine {

/// What the data root may take; 0 is no limit.
struct StorageLimits {
    std::int64_t max_bytes = 0;          // of the data root
    std::int64_t keep_free_bytes = 0;    // of its file system
    std::int64_t keep_free_percent = 0;  // instead of bytes
    bool operator==(const StorageLimits&) const = default;
};

/// Everything that can be set about an engine, with its defaults.
struct Configuration {
    struct Tls {
        bool enabled = false, verify = false;
        std::string ca_certificate, certificate, key;
    };
    struct Ulimit {
        std::string name;
        std::int64_t soft = 0, hard = 0;
    };
    std::vector<std::string> hosts;  // never empty after from_settings()
    std::string data_root = "/var/lib/berth", exec_root = "/run/berth";
    std::string log_level = "info", pidfile, group = "berth";
    bool group_was_set = false;
    std::vector<std::string> insecure_registries, registry_mirrors, labels;
    std::string registry_hosts_dirs = "/etc/berth/hosts.d:/etc/containerd/certs.d";
    bool host_ca = false, init = false, ip_forward = true, icc = true, ip_masquerade = true;
    std::string log_driver = "json-file";
    std::map<std::string, std::string> log_options{{"max-size", "20m"}, {"max-file", "5"}};
    std::string bridge_address, default_host_address;
    int mtu = 0;
    std::vector<std::pair<std::string, int>> address_pools;  // base, prefix length of each
    std::vector<std::string> dns, dns_options, dns_search;
    std::vector<Ulimit> default_ulimits;
    std::int64_t default_shm_size = 64 << 20;
    std::string default_userns_mode;  ///< "host", "auto", or "": what each caller prefers
    int default_stop_timeout = 10;
    std::string cgroup_parent = "berth", storage_driver, layer_blobs = "drop-pulled";
    StorageLimits storage_limits;
    int concurrent_downloads = 3, concurrent_uploads = 5;
    Tls tls;
    std::string http_proxy, https_proxy, no_proxy;

    /// From the members of daemon.json (see merge_settings). InvalidArgument names the key.
    static Result<Configuration> from_settings(const codec::Json& settings);
};

/// A number of bytes with a unit: "64m", "1gb", "512". nullopt for anything else.
std::optional<std::int64_t> parse_size(std::string_view text);
/// The other way round, for people: "1.5GiB".
std::string size_text(std::int64_t bytes);

}  // namespace berth::engine
