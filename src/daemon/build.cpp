#include "build/builder.h"

#include <atomic>

#include "daemon/body_source.h"
#include "daemon/build_request.h"
#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/credentials.h"
#include "daemon/handlers.h"
#include "daemon/progress_stream.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::atomic<bool> pruning_build_cache{false};

std::string_view to_string(build::ProgressKind kind) {
    switch (kind) {
        case build::ProgressKind::Plan: return "plan";
        case build::ProgressKind::Started: return "started";
        case build::ProgressKind::Cached: return "cached";
        case build::ProgressKind::Output: return "output";
        case build::ProgressKind::Status: return "status";
        case build::ProgressKind::Finished: return "finished";
        case build::ProgressKind::Failed: return "failed";
        case build::ProgressKind::Cancelled: return "cancelled";
        case build::ProgressKind::Warning: return "warning";
    }
    return {};
}

/// An event as {"berth.step": {...}}, for clients that draw the graph themselves (parameter
/// berth.progress).
std::string step_aux(const build::Progress& event) {
    Json step{{"kind", to_string(event.kind)}, {"step", event.step}};
    if (!event.text.empty()) step["text"] = event.text;
    if (event.kind == build::ProgressKind::Output) step["stream"] = event.stream;
    if (event.total) step["total"] = event.total;
    if (event.current) step["current"] = event.current;
    if (event.seconds > 0) step["seconds"] = event.seconds;
    if (!event.result.empty()) step["result"] = event.result;
    for (const auto& info : event.steps) {
        step["steps"].push_back({{"id", info.id},
                                 {"name", info.name},
                                 {"instruction", info.instruction},
                                 {"stage", info.stage},
                                 {"metadataOnly", info.metadata_only}});
    }
    return codec::dump_json({{"berth.step", std::move(step)}});
}

void tell_result(const build::BuildResult& result, bool quiet, ProgressStream& stream) {
    for (const auto& warning : result.warnings)
        if (!quiet) stream.send({.stream = concat("[Warning] ", warning, "\n")});
    if (!result.image) return;
    const std::string id = result.image->id.to_string();
    stream.send({.aux = codec::dump_json({{"ID", id}})});
    if (quiet) return stream.send({.stream = id + "\n"});
    stream.send({.stream = concat("Successfully built ", result.image->id.short_hex(), "\n")});
    for (const auto& name : result.references)
        stream.send({.stream = concat("Successfully tagged ", name, "\n")});
}

/// The classic client ends with the status of the command, and its users look for the first
/// sentence.
Result<> tell_failed_command(const build::FailedCommand& failed, const Error& error,
                             ProgressStream& stream) {
    std::string text =
        concat("The command '", failed.command, "' returned a non-zero code: ", failed.exit_status);
    text += "\n" + error.message();
    if (!error.hint().empty()) text += "\nhint: " + error.hint();
    stream.send({.error = text, .error_code = failed.exit_status});
    return {};
}
}  // namespace

Result<> build_image(Call& call) {
    auto request = TRY(build_request_of(call.request.query, call.request.headers));
    if (call.engine.configuration.get()->host_ca && !call.request.query.has("berth.hostca"))
        request.host_ca = true;
    request.credentials = credentials_for_any(call.request.headers);
    BodySource body(call.request);
    if (call.request.has_body()) request.context = &body;
    const bool quiet = call.flag("q");
    ProgressStream stream(call.response);
    build::ClassicOutput classic(
        [&](std::string_view text) { stream.send({.stream = std::string(text)}); });
    std::optional<build::FailedCommand> failed;
    if (call.flag("berth.progress")) {
        request.progress = [&](const build::Progress& event) {
            stream.send({.aux = step_aux(event)});
        };
    } else {
        request.progress = [&](const build::Progress& event) {
            if (event.failed_command && !failed) failed = event.failed_command;
            if (!quiet) classic(event);
        };
    }
    auto result = call.engine.builder.build(request, call.stop());
    if (result.is_error() && failed) return tell_failed_command(*failed, result.error(), stream);
    if (result.is_error()) return stream.finish(std::move(result).error());
    tell_result(*result, quiet, stream);
    return stream.finish({});
}

Result<> prune_builds(Call& call) {
    const auto filters = TRY(call.filters({"description", "id", "inuse", "parent", "private",
                                           "shared", "type", "until", "unused-for"}));
    const Timestamp now = call.engine.clock.now();
    build::CachePrune prune{
        .all = call.flag("all"), .ids = filters.values("id"), .types = filters.values("type")};
    prune.until = TRY(until_of(filters, now));
    if (const auto& unused = filters.values("unused-for"); !unused.empty())
        prune.until = TRY(parse_time(unused.front(), now));
    prune.keep_bytes =
        call.request.query.number(call.is_at_least(48) ? "reserved-space" : "keep-storage")
            .value_or(0);
    const auto guard = TRY(engine::PruneGuard::acquire(pruning_build_cache));
    const auto pruned = TRY(call.engine.builder.prune(prune));
    return call.send({{"CachesDeleted", pruned.ids.empty() ? Json(nullptr) : Json(pruned.ids)},
                      {"SpaceReclaimed", pruned.bytes}});
}

}  // namespace berth::daemon
