#include "container/containers.h"

#include <atomic>

#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/container_json.h"
#include "daemon/container_wire.h"
#include "daemon/handlers.h"
#include "sys/signal.h"
#include "sys/socket.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::atomic<bool> pruning{false};

/// Files may be given to oneself; only root may give them to somebody else.
Result<> check_files_owner(Call& call, container::ContainerSpec& spec) {
    if (!spec.host.files_owner) return {};
    const auto peer = sys::peer_credentials(call.request.connection());
    if (!peer) {
        // Over the network nobody is a user of this machine.
        spec.host.files_owner.reset();
        return {};
    }
    if (peer->uid != 0) spec.host.files_owner = container::FilesOwner{peer->uid, peer->gid};
    return {};
}

/// An empty list of bindings publishes the port anywhere, which later versions will stop to do.
std::optional<std::string> empty_bindings_warning(const api::HostConfig& host) {
    std::vector<std::string> ports;
    for (const auto& [port, bindings] : host.port_bindings)
        if (bindings.empty()) ports.push_back(port);
    if (ports.empty()) return std::nullopt;
    return concat("Following container port(s) have an empty list of port-bindings: ",
                  join(ports, ", "), ". Such bindings will be discarded in a future version.");
}
}  // namespace

Result<> list_containers(Call& call) {
    const auto filters = TRY(call.filters({"ancestor", "before", "exited", "expose", "health", "id",
                                           "is-task", "isolation", "label", "name", "network",
                                           "publish", "since", "status", "volume"}));
    const auto filter =
        TRY(ContainerFilter::prepare(filters, call.engine.containers, call.engine.images));
    const long long limit = call.request.query.number("limit").value_or(0);
    const bool all = call.flag("all") || filter.wants_all() || limit > 0;
    const auto views = TRY(call.engine.containers.list({.all = all, .sizes = call.flag("size")}));
    const Timestamp now = call.engine.clock.now();
    Json list = Json::array();
    for (const auto& view : views) {
        if (limit > 0 && static_cast<long long>(list.size()) >= limit) break;
        if (filter.matches(view)) list.push_back(list_entry_of(view, now, call.version));
    }
    return call.send(list);
}

Result<> create_container(Call& call) {
    const std::string body = TRY(call.body());
    if (trim(body).empty())
        return fail(ErrorCode::InvalidArgument, "invalid JSON: got EOF while reading request body");
    const auto request = TRY(api::ContainerCreateRequest::parse(body));
    auto spec = TRY(spec_of(request, call.version));
    spec.platform = call.query("platform");
    TRY(check_files_owner(call, spec));
    std::string name = call.query("name");
    if (name.starts_with('/')) name.erase(0, 1);
    const auto created = TRY(call.engine.containers.create(name, std::move(spec), call.stop()));
    auto warnings = created.warnings;
    if (auto warning = empty_bindings_warning(request.host_config); warning && call.is_at_least(52))
        warnings.push_back(std::move(*warning));
    return call.send({{"Id", created.id}, {"Warnings", std::move(warnings)}}, 201);
}

Result<> inspect_container(Call& call) {
    const auto view = TRY(call.engine.containers.inspect(call.parameter("id"), call.flag("size")));
    return call.send(inspect_of(view, call.version));
}

Result<> remove_container(Call& call) {
    if (call.flag("link")) return fail(ErrorCode::Unsupported, "removing a link is not supported");
    TRY(call.engine.containers.remove(call.parameter("id"),
                                      {.force = call.flag("force"), .volumes = call.flag("v")},
                                      call.stop()));
    return call.send_status(204);
}

Result<> prune_containers(Call& call) {
    const auto filters = TRY(call.filters({"label", "label!", "until"}));
    const auto until = TRY(until_of(filters, call.engine.clock.now()));
    const auto guard = TRY(engine::PruneGuard::acquire(pruning));
    const auto pruned = TRY(call.engine.containers.prune(
        [&](const container::ContainerView& view) {
            return filters.matches_labels("label", view.spec.labels) &&
                   filters.excludes_labels("label!", view.spec.labels) &&
                   (!until || view.created_at < *until);
        },
        call.stop()));
    const Json deleted = pruned.ids.empty() ? Json(nullptr) : Json(pruned.ids);
    return call.send({{"ContainersDeleted", deleted}, {"SpaceReclaimed", pruned.bytes}});
}

Result<> explain_container(Call& call) {
    const auto view = TRY(call.engine.containers.inspect(call.parameter("id")));
    const auto why = TRY(call.engine.containers.why(view.id));
    Json out{{"Id", view.id},
             {"Name", view.name},
             {"Status", to_string(view.state.status)},
             {"Cause", why.cause},
             {"Summary", why.summary},
             {"Hint", why.hint},
             {"ExitCode", why.exit_code},
             {"Signal", why.signal == 0 ? std::string() : sys::signal_name(why.signal)},
             {"RestartCount", view.state.restart_count}};
    if (why.cause == "out-of-memory")
        out["OOM"] = {
            {"Pid", why.oom_pid}, {"Process", why.oom_process}, {"Limit", why.memory_limit}};
    return call.send(out);
}

Result<> clear_logs(Call& call) {
    TRY(call.engine.containers.clear_logs(call.parameter("id")));
    return call.send_status(204);
}

}  // namespace berth::daemon
