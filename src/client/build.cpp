#include "client/transport_internal.h"
#include "codec/base64.h"

namespace berth::client {

namespace {

codec::Json json_of(const api::StringMap& map) {
    codec::Json out = codec::Json::object();
    for (const auto& [key, value] : map) out[key] = value;
    return out;
}

Query query_of(const BuildOptions& options) {
    Query query;
    for (const auto& tag : options.tags) query.emplace_back("t", tag);
    add_text(query, "dockerfile", options.dockerfile);
    add_text(query, "remote", options.remote);
    add_text(query, "target", options.target);
    add_text(query, "platform", options.platform);
    add_text(query, "networkmode", options.network_mode);
    add_flag(query, "nocache", options.no_cache);
    add_flag(query, "pull", options.pull);
    add_flag(query, "q", options.quiet);
    add_flag(query, "berth.hostca", options.host_ca);
    query.emplace_back("rm", "1");
    if (options.memory != 0) query.emplace_back("memory", std::to_string(options.memory));
    if (options.memory_swap != 0)
        query.emplace_back("memswap", std::to_string(options.memory_swap));
    if (options.shm_size != 0) query.emplace_back("shmsize", std::to_string(options.shm_size));
    for (const auto& host : options.extra_hosts) query.emplace_back("extrahosts", host);
    if (!options.build_args.empty()) {
        codec::Json arguments = codec::Json::object();
        for (const auto& [name, value] : options.build_args) {
            arguments[name] = value ? codec::Json(*value) : codec::Json(nullptr);
        }
        query.emplace_back("buildargs", codec::dump_json(arguments));
    }
    if (!options.labels.empty())
        query.emplace_back("labels", codec::dump_json(json_of(options.labels)));
    if (!options.cache_from.empty())
        query.emplace_back("cachefrom", codec::dump_json(codec::Json(options.cache_from)));
    if (!options.ulimits.empty()) {
        codec::Json list = codec::Json::array();
        for (const auto& limit : options.ulimits) {
            list.push_back({{"Name", limit.name}, {"Hard", limit.hard}, {"Soft", limit.soft}});
        }
        query.emplace_back("ulimits", codec::dump_json(list));
    }
    query.insert(query.end(), options.more.begin(), options.more.end());
    return query;
}

// Values are base64 inside of JSON, since a secret may hold any bytes.
std::string secrets_header(const std::map<std::string, std::string>& secrets) {
    codec::Json out = codec::Json::object();
    for (const auto& [id, value] : secrets) out[id] = codec::encode_base64(value);
    return codec::encode_base64url(codec::dump_json(out));
}

}  // namespace

Result<> Client::build(const BuildOptions& options, const BytesSource& context,
                       const ProgressSink& sink, const std::stop_token& stop) const {
    Call call{.method = "POST", .path = "/build", .query = query_of(options)};
    call.tar_body = context;
    if (!options.auths.empty())
        call.headers.emplace_back("X-Registry-Config", api::to_header(options.auths));
    if (!options.secrets.empty())
        call.headers.emplace_back("X-Berth-Secrets", secrets_header(options.secrets));
    return transport_->progress(std::move(call), sink, stop);
}

Result<Json> Client::prune_builds(bool all, const api::Filters& filters) const {
    Call call{.method = "POST", .path = "/build/prune"};
    add_flag(call.query, "all", all);
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

}  // namespace berth::client
