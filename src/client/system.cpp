#include "client/transport_internal.h"

namespace berth::client {

Result<Json> Client::system_version() const { return transport_->json({.path = "/version"}); }

Result<Json> Client::info() const { return transport_->json({.path = "/info"}); }

Result<Json> Client::disk_usage(const std::vector<std::string>& types) const {
    Call call{.path = "/system/df"};
    for (const auto& type : types) call.query.emplace_back("type", type);
    return transport_->json(std::move(call));
}

Result<> Client::events(const std::string& since, const std::string& until,
                        const api::Filters& filters, const JsonSink& sink,
                        const std::stop_token& stop) const {
    Call call{.path = "/events"};
    add_text(call.query, "since", since);
    add_text(call.query, "until", until);
    add_filters(call.query, filters);
    return transport_->documents(std::move(call), sink, stop);
}

Result<Client::LoginAnswer> Client::login(const api::AuthConfig& auth) const {
    const auto answer =
        TRY(transport_->json({.method = "POST", .path = "/auth", .json_body = auth.to_json()}));
    LoginAnswer out;
    out.status = codec::get_string(answer, "Status");
    out.identity_token = codec::get_string(answer, "IdentityToken");
    return out;
}

Result<Json> Client::data_root_usage() const {
    return transport_->json({.path = "/berth/v1/system/usage"});
}

Result<Json> Client::prune_plan(const PrunePlanOptions& options) const {
    Call call{.path = "/berth/v1/system/prune"};
    for (const auto& type : options.types) call.query.emplace_back("type", type);
    add_flag(call.query, "all-images", options.all_images);
    add_flag(call.query, "all-volumes", options.all_volumes);
    add_filters(call.query, options.filters);
    return transport_->json(std::move(call));
}

Result<Json> Client::carry_out_prune_plan(const Json& plan) const {
    return transport_->json(
        {.method = "POST", .path = "/berth/v1/system/prune", .json_body = codec::dump_json(plan)});
}

Result<Json> Client::check_system(bool repair, const Auths& auths) const {
    Call call{.method = "POST", .path = "/berth/v1/system/check"};
    add_flag(call.query, "repair", repair);
    if (!auths.empty()) call.headers.emplace_back("X-Registry-Config", api::to_header(auths));
    return transport_->json(std::move(call));
}

}  // namespace berth::client
