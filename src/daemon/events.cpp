#include <algorithm>

#include "base/text.h"
#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/handlers.h"
#include "record/event_log.h"

namespace berth::daemon {

using codec::Json;
using record::Event;

namespace {
Json event_json(const Event& event, api::ApiVersion version) {
    Json out = Json::object();
    const bool has_legacy_members =
        version < api::ApiVersion{1, 52} && (event.type == "container" || event.type == "image");
    if (has_legacy_members) {
        out["status"] = event.action;
        out["id"] = event.actor_id;
        if (event.type == "container") out["from"] = event.attribute("image");
    }
    Json attributes = Json::object();
    for (const auto& [key, value] : event.attributes) attributes[key] = value;
    const auto since_epoch = event.time.time_since_epoch();
    out["Type"] = event.type;
    out["Action"] = event.action;
    out["Actor"] = {{"ID", event.actor_id}, {"Attributes", std::move(attributes)}};
    out["scope"] = "local";
    out["time"] = std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
    out["timeNano"] = since_epoch.count();
    return out;
}

/// "exec_create: sh" counts as "exec_create", "health_status: healthy" as "health_status".
bool action_matches(const api::Filters& filters, const std::string& action) {
    const auto& wanted = filters.values("event");
    return wanted.empty() ||
           std::any_of(wanted.begin(), wanted.end(), [&](const std::string& value) {
               return action == value || action.starts_with(value + ":");
           });
}

/// An object filter such as container=NAME: by full or short id, or by name.
bool actor_matches(const api::Filters& filters, std::string_view type, const Event& event) {
    const auto& wanted = filters.values(type);
    if (wanted.empty()) return true;
    if (event.type != type) return false;
    const auto name = event.attribute("name");
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& value) {
        return value == event.actor_id || value == name ||
               (value.size() >= 4 && event.actor_id.starts_with(value));
    });
}

std::string_view without_tag(std::string_view name) {
    const auto slash = name.rfind('/');
    const auto colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
    return name.substr(0, colon);
}

/// image=NAME means the image's own events and those of its containers, with and without a tag.
bool image_matches(const api::Filters& filters, const Event& event) {
    const auto& wanted = filters.values("image");
    if (wanted.empty()) return true;
    if (event.type != "image" && event.type != "container") return false;
    const std::string_view name = event.attribute(event.type == "image" ? "name" : "image");
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& value) {
        return value == name || value == without_tag(name) ||
               (event.type == "image" && value == event.actor_id);
    });
}

bool matches(const api::Filters& filters, const Event& event) {
    std::map<std::string, std::string> labels(event.attributes.begin(), event.attributes.end());
    if (!filters.matches("type", event.type) || !filters.matches("scope", "local") ||
        !action_matches(filters, event.action))
        return false;
    if (!filters.matches_labels("label", labels) || !image_matches(filters, event)) return false;
    // Several object filters widen the choice: `container=a` with `volume=b` gives the events of
    // both.
    bool any_object = false;
    for (const std::string_view type : {"container", "volume", "network", "daemon"}) {
        if (!filters.has(type)) continue;
        any_object = true;
        if (actor_matches(filters, type, event)) return true;
    }
    return !any_object;
}
}  // namespace

namespace {
constexpr std::string_view json_sequence = "application/json-seq";

/// One line an event in every case; the names for it came with 1.52.
std::string stream_media_type(const Call& call) {
    for (const auto& entry : split(call.request.headers.get("Accept"), ',')) {
        const std::string type = to_lower(trim(entry.substr(0, entry.find(';'))));
        if (type == "application/jsonl" || type == "application/x-ndjson" || type == json_sequence)
            return type;
    }
    return call.is_at_least(52) ? "application/jsonl" : "application/json";
}
}  // namespace

Result<> follow_events(Call& call) {
    const auto filters =
        TRY(call.filters({"type", "event", "container", "image", "label", "volume", "network",
                          "daemon", "plugin", "node", "service", "secret", "config", "scope"}));
    const Timestamp now = call.engine.clock.now();
    record::EventLog::SubscribeOptions options;
    options.since = TRY(parse_time(call.query("since"), now));
    options.until = TRY(parse_time(call.query("until"), now));
    if (options.since && options.until && *options.until < *options.since)
        return fail(ErrorCode::InvalidArgument, "`since` time (", call.query("since"),
                    ") cannot be after `until` time (", call.query("until"), ")");
    options.filter = [&](const Event& event) { return matches(filters, event); };
    auto subscription = call.engine.events.subscribe(std::move(options));
    const std::string type = stream_media_type(call);
    const std::string separator = type == json_sequence ? "\x1e" : "";  // RFC 7464 2.2
    call.response.headers.set("Content-Type", type);
    TRY(call.response.start());
    while (auto event = subscription.next(call.stop()))
        TRY(call.response.write(separator + codec::dump_json(event_json(*event, call.version)) +
                                "\n"));
    return {};
}

}  // namespace berth::daemon
