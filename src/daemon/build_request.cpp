#include "daemon/build_request.h"

#include "codec/base64.h"
#include "codec/json.h"

namespace berth::daemon {

using codec::Json;

namespace {
Result<Json> json_parameter(const http::Query& query, std::string_view name) {
    const std::string text = query.get(name);
    if (text.empty()) return Json::object();
    auto json = TRY(codec::parse_json(text).context("parameter ", name));
    if (json.is_null()) return Json::object();
    return json;
}

Result<> read_args(const http::Query& query, build::BuildRequest& request) {
    const Json args = TRY(json_parameter(query, "buildargs"));
    if (!args.is_object())
        return fail(ErrorCode::InvalidArgument, "parameter buildargs: expected an object");
    for (const auto& [name, value] : args.items()) {
        if (!value.is_null() && !value.is_string())
            return fail(ErrorCode::InvalidArgument, "parameter buildargs: ", name,
                        " must be a string");
        request.args.emplace_back(
            name, value.is_null() ? std::nullopt : std::optional(value.get<std::string>()));
    }
    return {};
}

Result<> read_secrets(const http::Headers& headers, build::BuildRequest& request) {
    const auto header = headers.get("X-Berth-Secrets");
    if (header.empty()) return {};
    // Neither the header nor what is wrong in it may reach a log.
    const auto broken = [] {
        return fail(ErrorCode::InvalidArgument, "header X-Berth-Secrets cannot be read");
    };
    const auto text = codec::decode_base64(header);
    if (!text) return broken();
    const auto json = codec::parse_json(*text);
    if (!json || !json->is_object()) return broken();
    for (const auto& [id, value] : json->items()) {
        const auto content = value.is_string()
                                 ? codec::decode_base64(value.get_ref<const std::string&>())
                                 : std::nullopt;
        if (!content) return broken();
        request.secrets.emplace(id, *content);
    }
    return {};
}

Result<container::StepNetwork> network_of(const std::string& mode) {
    if (mode.empty() || mode == "default" || mode == "bridge")
        return container::StepNetwork::Bridge;
    if (mode == "none") return container::StepNetwork::None;
    if (mode == "host") return container::StepNetwork::Host;
    return fail(ErrorCode::Unsupported, "network mode \"", mode, "\" is not supported by build")
        .with_hint("use default, host or none");
}

/// "name:address", as docker sends --add-host; an IPv6 address has colons of its own.
Result<> read_hosts(const http::Query& query, build::BuildRequest& request) {
    for (const auto& text : query.all("extrahosts")) {
        for (const auto& entry : split(text, ',')) {
            if (entry.empty()) continue;
            const auto pair = split_once(entry, entry.find('=') != std::string::npos ? '=' : ':');
            if (!pair)
                return fail(ErrorCode::InvalidArgument, "bad format for add-host: \"", entry, "\"");
            request.extra_hosts.emplace_back(pair->first, pair->second);
        }
    }
    return {};
}
}  // namespace

Result<build::BuildRequest> build_request_of(const http::Query& query,
                                             const http::Headers& headers) {
    if (query.get("version") == "2") {
        return fail(ErrorCode::Unsupported, "BuildKit sessions are not supported on this endpoint")
            .with_hint(
                "set DOCKER_BUILDKIT=0, or use `berth build`: Dockerfiles with RUN --mount and "
                "heredocs work "
                "with both");
    }
    build::BuildRequest request;
    if (const auto name = query.get("dockerfile"); !name.empty()) request.dockerfile = name;
    request.remote = query.get("remote");
    for (const auto& tag : query.all("t"))
        if (!tag.empty()) request.tags.push_back(tag);
    request.target = query.get("target");
    if (const auto platform = query.get("platform"); !platform.empty())
        request.platform = TRY(oci::Platform::parse(platform));
    TRY(read_args(query, request));
    const Json labels = TRY(json_parameter(query, "labels"));
    for (const auto& [key, value] : labels.items())
        request.labels.emplace_back(key, value.is_string() ? value.get<std::string>() : "");
    TRY(read_secrets(headers, request));
    const Json contexts = TRY(json_parameter(query, "berth.contexts"));
    for (const auto& [name, value] : contexts.items())
        if (value.is_string()) request.named_contexts.emplace(name, value.get<std::string>());
    const Json agents = TRY(json_parameter(query, "berth.ssh"));
    for (const auto& [id, socket] : agents.items())
        if (socket.is_string()) request.ssh_agents.emplace(id, socket.get<std::string>());
    TRY(read_hosts(query, request));
    request.no_cache = query.flag("nocache");
    request.no_cache_filter = query.all("berth.nocachefilter");
    request.pull = query.flag("pull");
    request.squash = query.flag("squash");
    request.host_ca = query.flag("berth.hostca");
    request.oci_media_types = query.flag("berth.oci");
    request.check_only = query.flag("berth.check");
    request.allow_insecure = query.flag("berth.insecure");
    request.network = TRY(network_of(query.get("networkmode")));
    request.shm_size = query.number("shmsize").value_or(0);
    request.memory = query.number("memory").value_or(0);
    request.memory_swap = query.number("memswap").value_or(0);
    request.cpuset_cpus = query.get("cpusetcpus");
    request.cpu_shares = query.number("cpushares").value_or(0);
    request.cpu_quota = query.number("cpuquota").value_or(0);
    request.cpu_period = query.number("cpuperiod").value_or(0);
    return request;
}

}  // namespace berth::daemon
