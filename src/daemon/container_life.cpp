#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/container_wire.h"
#include "daemon/handlers.h"

namespace berth::daemon {

using codec::Json;

namespace {
/// Parameter "t", seconds; nullopt leaves the container's own.
Result<std::optional<int>> timeout_of(const Call& call) {
    const std::string text = call.query("t");
    if (text.empty()) return std::optional<int>();
    const auto seconds = parse_int(text);
    if (!seconds || *seconds < -1 || *seconds > 1'000'000'000)
        return fail(ErrorCode::InvalidArgument, "invalid timeout '", text, "'");
    return std::optional(static_cast<int>(*seconds));
}

/// Parameter "signal" of stop and restart came with 1.42.
std::string stop_signal_of(const Call& call) {
    return call.is_at_least(42) ? call.query("signal") : std::string();
}
}  // namespace

Result<> start_container(Call& call) {
    if (call.request.query.has("checkpoint"))
        return fail(ErrorCode::Unsupported, "starting from a checkpoint is not supported");
    const bool started = TRY(call.engine.containers.start(call.parameter("id"), call.stop()));
    return call.send_status(started ? 204 : 304);
}

Result<> stop_container(Call& call) {
    const auto timeout = TRY(timeout_of(call));
    const bool stopped = TRY(call.engine.containers.stop(call.parameter("id"), timeout,
                                                         stop_signal_of(call), call.stop()));
    return call.send_status(stopped ? 204 : 304);
}

Result<> restart_container(Call& call) {
    const auto timeout = TRY(timeout_of(call));
    TRY(call.engine.containers.restart(call.parameter("id"), timeout, stop_signal_of(call),
                                       call.stop()));
    return call.send_status(204);
}

Result<> kill_container(Call& call) {
    const std::string signal = call.query("signal");
    TRY(call.engine.containers.kill(call.parameter("id"), signal.empty() ? "KILL" : signal));
    return call.send_status(204);
}

Result<> pause_container(Call& call) {
    TRY(call.engine.containers.pause(call.parameter("id")));
    return call.send_status(204);
}

Result<> unpause_container(Call& call) {
    TRY(call.engine.containers.unpause(call.parameter("id")));
    return call.send_status(204);
}

Result<> rename_container(Call& call) {
    std::string name = call.query("name");
    if (name.starts_with('/')) name.erase(0, 1);
    if (name.empty())
        return fail(ErrorCode::InvalidArgument, "Neither old nor new names may be empty");
    TRY(call.engine.containers.rename(call.parameter("id"), name));
    return call.send_status(204);
}

Result<> update_container(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::ContainerUpdateRequest::parse(body));
    const auto update = TRY(update_of(request));
    const auto warnings = TRY(call.engine.containers.update(call.parameter("id"), update));
    return call.send({{"Warnings", warnings.empty() ? Json(nullptr) : Json(warnings)}});
}

Result<> wait_container(Call& call) {
    auto condition = container::WaitCondition::NotRunning;
    const std::string text = call.query("condition");
    if (text == "next-exit")
        condition = container::WaitCondition::NextExit;
    else if (text == "removed")
        condition = container::WaitCondition::Removed;
    else if (!text.empty() && text != "not-running")
        return fail(ErrorCode::InvalidArgument, "invalid condition: \"", text, "\"");
    // The head goes out once the wait is registered: a client that sees it may start the container
    // and misses nothing.
    call.response.headers.set("Content-Type", "application/json");
    std::optional<Error> send_error;
    const auto waiting = [&] {
        if (auto started = call.response.start(); started.is_error())
            send_error = std::move(started).error();
    };
    const auto result =
        call.engine.containers.wait(call.parameter("id"), condition, waiting, call.stop());
    if (result.is_error() && !call.response.has_started()) return result.error().clone();
    if (send_error) return std::move(*send_error);
    Json answer{{"StatusCode", result ? result->exit_code : -1}};
    // Only what broke the wait itself: why a start failed is told by the start.
    if (result.is_error()) answer["Error"] = {{"Message", result.error().message()}};
    return call.response.write(codec::dump_json(answer) + "\n");
}

Result<> show_top(Call& call) {
    const auto top = TRY(call.engine.containers.top(call.parameter("id"), call.query("ps_args")));
    return call.send({{"Processes", top.processes}, {"Titles", top.titles}});
}

}  // namespace berth::daemon
