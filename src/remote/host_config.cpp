// hosts.toml: which addresses stand in for a registry. The format is containerd's, so that one file
// serves both.
#include <algorithm>

#include "codec/toml.h"
#include "remote/host_internal.h"
#include "sys/file.h"

namespace berth::remote {

namespace {

using codec::Json;

constexpr std::size_t max_config_bytes = 1 << 20;

std::string without_slashes(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

std::string path_from(const std::string& directory, const std::string& path) {
    return path.starts_with('/') ? path : concat(directory, "/", path);
}

/// A string, or all strings of a list.
std::vector<std::string> strings_of(const Json& object, std::string_view key) {
    const auto* value = codec::find_member(object, key);
    if (value && value->is_string()) return {value->get<std::string>()};
    return codec::get_strings(object, key);
}

// `client` is "cert+key.pem", ["a.pem", ...] or [["cert", "key"], ...]: the first pair counts.
Result<> read_client(const Json& table, const std::string& directory, http::TlsTrust& trust) {
    const auto* client = codec::find_member(table, "client");
    if (!client) return {};
    const Json& first = client->is_array() && !client->empty() ? client->front() : *client;
    if (first.is_string()) {
        trust.certificate_file = trust.key_file = path_from(directory, first.get<std::string>());
        return {};
    }
    const bool is_pair =
        first.is_array() && first.size() == 2 && first[0].is_string() && first[1].is_string();
    if (!is_pair)
        return fail(ErrorCode::InvalidArgument, "client must name a certificate and its key");
    trust.certificate_file = path_from(directory, first[0].get<std::string>());
    trust.key_file = path_from(directory, first[1].get<std::string>());
    return {};
}

Result<Mirror> read_mirror(const std::string& name, const Json& table, const std::string& directory,
                           const std::string& host) {
    if (!table.is_object())
        return fail(ErrorCode::InvalidArgument, "host \"", name, "\" must be a table");
    Mirror mirror;
    HostAddress& address = mirror.address;
    address.base = without_slashes(name);
    address.origin = host;
    if (address.base.find("://") == std::string::npos) address.base.insert(0, "https://");
    if (!address.base.starts_with("https://") && !address.base.starts_with("http://"))
        return fail(ErrorCode::InvalidArgument, "host \"", name,
                    "\": only https:// and http:// are understood");
    address.has_own_path = codec::get_bool(table, "override_path");
    address.tls.verify = !codec::get_bool(table, "skip_verify");
    if (const auto wanted = strings_of(table, "capabilities"); !wanted.empty()) {
        const auto can = [&](const char* what) {
            return std::find(wanted.begin(), wanted.end(), what) != wanted.end();
        };
        mirror.can_resolve = can("resolve");
        mirror.can_pull = can("pull");
        mirror.can_push = can("push");
    }
    for (const auto& file : strings_of(table, "ca"))
        address.tls.extra_ca_pem +=
            TRY(sys::read_file(path_from(directory, file), 4 << 20).context("ca ", file)) + "\n";
    TRY(read_client(table, directory, address.tls));
    if (const auto* headers = codec::find_member(table, "header");
        headers && headers->is_object()) {
        for (const auto& [key, value] : headers->items()) {
            const auto values = strings_of(*headers, key);
            if (!values.empty()) address.headers.set(key, values.front());
        }
    }
    return mirror;
}

}  // namespace

Result<HostConfig> parse_host_config(std::string_view text, const std::string& directory,
                                     const std::string& host) {
    const Json document = TRY(codec::parse_toml(text));
    HostConfig config;
    config.server = without_slashes(codec::get_string(document, "server"));
    if (!config.server.empty() && config.server.find("://") == std::string::npos)
        config.server.insert(0, "https://");
    if (config.server.ends_with("/v2")) config.server.resize(config.server.size() - 3);
    const auto* hosts = codec::find_member(document, "host");
    if (!hosts) return config;
    if (!hosts->is_object()) return fail(ErrorCode::InvalidArgument, "host must be a table");
    for (const auto& [name, table] : hosts->items())
        config.mirrors.push_back(TRY(read_mirror(name, table, directory, host)));
    return config;
}

Result<HostConfig> config_of(const std::string& host, const HostOptions& options) {
    HostConfig config;
    std::string with_underscores = host;  // "reg.local_5000_", for file systems without colons
    if (const auto colon = host.rfind(':'); colon != std::string::npos && !host.ends_with(']'))
        with_underscores = concat(host.substr(0, colon), "_", host.substr(colon + 1), "_");
    const auto read_first = [&]() -> Result<> {
        for (const auto& root : options.hosts_dirs) {
            for (const auto& name : {host, with_underscores, std::string("_default")}) {
                const std::string directory = concat(root, "/", name),
                                  path = directory + "/hosts.toml";
                const auto text = sys::read_file(path, max_config_bytes);
                if (text.is_error() && text.error().is(ErrorCode::NotFound)) continue;
                if (text.is_error()) return text.error().clone();
                config = TRY(parse_host_config(*text, directory, host).context(path));
                return {};
            }
        }
        return {};
    };
    TRY(read_first());
    if (host == "docker.io") {
        for (const auto& url : options.mirrors) {
            Mirror mirror;
            mirror.address.base = without_slashes(url);
            config.mirrors.push_back(std::move(mirror));
        }
    }
    return config;
}

}  // namespace berth::remote
