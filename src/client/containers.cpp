#include "client/transport_internal.h"

namespace berth::client {

using codec::get_string;

namespace {

std::string of(const std::string& id, std::string_view verb = {}) {
    return path_of("/containers/", id, verb);
}

Query stop_query(std::optional<int> seconds, const std::string& signal) {
    Query query;
    if (seconds) query.emplace_back("t", std::to_string(*seconds));
    add_text(query, "signal", signal);
    return query;
}

Query size_query(int rows, int columns) {
    return {{"h", std::to_string(rows)}, {"w", std::to_string(columns)}};
}

}  // namespace

Result<api::ContainerCreateResponse> Client::create_container(
    const api::ContainerCreateRequest& request, const std::string& name,
    const std::string& platform) const {
    Call call{.method = "POST", .path = "/containers/create", .json_body = request.to_json()};
    add_text(call.query, "name", name);
    add_text(call.query, "platform", platform);
    const std::string body = TRY(transport_->text(std::move(call)));
    return api::ContainerCreateResponse::parse(body);
}

Result<bool> Client::start_container(const std::string& id, const std::string& detach_keys) const {
    Call call{.method = "POST", .path = of(id, "/start")};
    add_text(call.query, "detachKeys", detach_keys);
    auto response = TRY(transport_->send(std::move(call)));
    TRY(response.read_all());
    return response.status != 304;
}

Result<> Client::stop_container(const std::string& id, std::optional<int> seconds,
                                const std::string& signal, const std::stop_token& stop) const {
    return transport_->done(
        {.method = "POST", .path = of(id, "/stop"), .query = stop_query(seconds, signal)}, stop);
}

Result<> Client::restart_container(const std::string& id, std::optional<int> seconds,
                                   const std::string& signal) const {
    return transport_->done(
        {.method = "POST", .path = of(id, "/restart"), .query = stop_query(seconds, signal)});
}

Result<> Client::kill_container(const std::string& id, const std::string& signal) const {
    return transport_->done(
        {.method = "POST", .path = of(id, "/kill"), .query = stop_query({}, signal)});
}

Result<> Client::remove_container(const std::string& id, const RemoveOptions& options) const {
    Call call{.method = "DELETE", .path = of(id)};
    add_flag(call.query, "force", options.force);
    add_flag(call.query, "v", options.volumes);
    add_flag(call.query, "link", options.link);
    return transport_->done(std::move(call));
}

PendingWait::PendingWait(http::ClientResponse response) : response_(std::move(response)) {}

Result<ContainerExit> PendingWait::finish(const std::stop_token& stop) && {
    const std::string body = TRY(response_.read_all(1 << 20, stop));
    const auto answer = TRY(codec::parse_json(body).context("answer of wait"));
    ContainerExit exit{static_cast<int>(codec::get_int(answer, "StatusCode")), {}};
    if (const auto* error = codec::find_member(answer, "Error"))
        exit.error = get_string(*error, "Message");
    return exit;
}

Result<PendingWait> Client::begin_wait(const std::string& id, const std::string& condition) const {
    Call call{.method = "POST", .path = of(id, "/wait")};
    add_text(call.query, "condition", condition);
    auto response = TRY(transport_->send(std::move(call)));
    return PendingWait(std::move(response));
}

Result<ContainerExit> Client::wait_container(const std::string& id, const std::string& condition,
                                             const std::stop_token& stop) const {
    auto pending = TRY(begin_wait(id, condition));
    return std::move(pending).finish(stop);
}

Result<Json> Client::inspect_container(const std::string& id, bool size) const {
    Call call{.path = of(id, "/json")};
    add_flag(call.query, "size", size);
    return transport_->json(std::move(call));
}

Result<Json> Client::list_containers(const ListContainersOptions& options) const {
    Call call{.path = "/containers/json"};
    add_flag(call.query, "all", options.all);
    add_flag(call.query, "size", options.size);
    if (options.limit > 0) call.query.emplace_back("limit", std::to_string(options.limit));
    add_filters(call.query, options.filters);
    return transport_->json(std::move(call));
}

Result<std::string> Client::create_exec(const std::string& container,
                                        const api::ExecCreateRequest& request) const {
    const auto answer = TRY(transport_->json(
        {.method = "POST", .path = of(container, "/exec"), .json_body = request.to_json()}));
    return codec::require_string(answer, "Id");
}

Result<Session> Client::start_exec(const std::string& exec_id,
                                   const api::ExecStartRequest& request) const {
    return transport_->hijack({.method = "POST",
                               .path = path_of("/exec/", exec_id, "/start"),
                               .json_body = request.to_json()});
}

Result<> Client::start_exec_detached(const std::string& exec_id) const {
    const api::ExecStartRequest request{.detach = true};
    return transport_->done({.method = "POST",
                             .path = path_of("/exec/", exec_id, "/start"),
                             .json_body = request.to_json()});
}

Result<Json> Client::inspect_exec(const std::string& exec_id) const {
    return transport_->json({.path = path_of("/exec/", exec_id, "/json")});
}

Result<> Client::resize_container(const std::string& id, int rows, int columns) const {
    return transport_->done(
        {.method = "POST", .path = of(id, "/resize"), .query = size_query(rows, columns)});
}

Result<> Client::resize_exec(const std::string& exec_id, int rows, int columns) const {
    return transport_->done({.method = "POST",
                             .path = path_of("/exec/", exec_id, "/resize"),
                             .query = size_query(rows, columns)});
}

Result<Json> Client::top(const std::string& id, const std::string& ps_arguments) const {
    Call call{.path = of(id, "/top")};
    add_text(call.query, "ps_args", ps_arguments);
    return transport_->json(std::move(call));
}

Result<> Client::stats(const std::string& id, bool once, const JsonSink& sink,
                       const std::stop_token& stop) const {
    Call call{.path = of(id, "/stats"), .query = {{"stream", once ? "0" : "1"}}};
    return transport_->documents(std::move(call), sink, stop);
}

Result<> Client::rename_container(const std::string& id, const std::string& name) const {
    return transport_->done(
        {.method = "POST", .path = of(id, "/rename"), .query = {{"name", name}}});
}

Result<> Client::pause_container(const std::string& id) const {
    return transport_->done({.method = "POST", .path = of(id, "/pause")});
}

Result<> Client::unpause_container(const std::string& id) const {
    return transport_->done({.method = "POST", .path = of(id, "/unpause")});
}

Result<Json> Client::update_container(const std::string& id,
                                      const api::ContainerUpdateRequest& request) const {
    return transport_->json(
        {.method = "POST", .path = of(id, "/update"), .json_body = request.to_json()});
}

Result<Json> Client::changes(const std::string& id) const {
    return transport_->json({.path = of(id, "/changes")});
}

Result<std::string> Client::commit(const std::string& id, const CommitOptions& options) const {
    Call call{.method = "POST", .path = "/commit", .query = {{"container", id}}, .json_body = "{}"};
    add_text(call.query, "repo", options.repository);
    add_text(call.query, "tag", options.tag);
    add_text(call.query, "comment", options.comment);
    add_text(call.query, "author", options.author);
    for (const auto& change : options.changes) call.query.emplace_back("changes", change);
    call.query.emplace_back("pause", options.pause ? "1" : "0");
    const auto answer = TRY(transport_->json(std::move(call)));
    return codec::require_string(answer, "Id");
}

Result<> Client::export_container(const std::string& id, const BytesSink& sink,
                                  const std::stop_token& stop) const {
    return transport_->bytes({.path = of(id, "/export")}, sink, stop);
}

Result<Json> Client::prune_containers(const api::Filters& filters) const {
    Call call{.method = "POST", .path = "/containers/prune"};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

}  // namespace berth::client
