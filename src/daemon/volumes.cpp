#include "volume/store.h"

#include <atomic>

#include "api/network.h"
#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/handlers.h"
#include "daemon/volume_json.h"
#include "record/event_log.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::atomic<bool> pruning_volumes{false};

void tell(Call& call, std::string action, const volume::Volume& volume) {
    call.engine.events.append(
        {"volume", std::move(action), volume.name, {{"driver", volume.driver}}});
}
}  // namespace

Json volume_json(const volume::Volume& volume) {
    const auto map_or_null = [](const volume::StringMap& map) {
        return map.empty() ? Json(nullptr) : Json(map);
    };
    Json labels = map_or_null(volume.labels);
    // Docker marks what it named itself so.
    if (volume.anonymous) labels = Json{{"com.docker.volume.anonymous", ""}};
    return {{"CreatedAt", to_rfc3339(std::chrono::floor<std::chrono::seconds>(volume.created))},
            {"Driver", volume.driver},
            {"Labels", std::move(labels)},
            {"Mountpoint", volume.mountpoint},
            {"Name", volume.name},
            {"Options", map_or_null(volume.options)},
            {"Scope", "local"}};
}

Result<> list_volumes(Call& call) {
    const auto filters = TRY(call.filters({"dangling", "driver", "label", "name"}));
    const auto dangling = TRY(filters.boolean("dangling"));
    Json list = Json::array();
    for (const auto& volume : call.engine.volumes.list()) {
        if (!filters.matches_name("name", volume.name) ||
            !filters.matches("driver", volume.driver) ||
            !filters.matches_labels("label", volume.labels))
            continue;
        if (dangling && *dangling != call.engine.volumes.users(volume.name).empty()) continue;
        list.push_back(volume_json(volume));
    }
    return call.send({{"Volumes", std::move(list)}, {"Warnings", nullptr}});
}

Result<> create_volume(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::VolumeCreateRequest::parse(body));
    const bool existed =
        !request.name.empty() && !call.engine.volumes.find(request.name).is_error();
    const auto volume =
        TRY(call.engine.volumes.create({.name = request.name,
                                        .driver = request.driver.empty() ? "local" : request.driver,
                                        .options = request.driver_opts,
                                        .labels = request.labels}));
    if (!existed) tell(call, "create", volume);
    return call.send(volume_json(volume), 201);
}

Result<> inspect_volume(Call& call) {
    const auto volume = TRY(call.engine.volumes.find(call.parameter("name")));
    return call.send(volume_json(volume));
}

Result<> remove_volume(Call& call) {
    const std::string& name = call.parameter("name");
    const auto volume = call.engine.volumes.find(name);
    TRY(call.engine.volumes.remove(name, {.force = call.flag("force")}));
    if (volume) tell(call, "destroy", *volume);
    return call.send_status(204);
}

Result<> prune_volumes(Call& call) {
    const auto filters = TRY(call.filters({"label", "label!", "all"}));
    const auto wants_all = TRY(filters.boolean("all"));
    const bool all = wants_all.value_or(!call.is_at_least(42));
    const auto guard = TRY(engine::PruneGuard::acquire(pruning_volumes));
    const auto pruned = TRY(call.engine.volumes.prune(
        [&](const volume::Volume& volume) {
            return (all || volume.anonymous) && filters.matches_labels("label", volume.labels) &&
                   filters.excludes_labels("label!", volume.labels);
        },
        call.stop()));
    Json names = Json::array();
    for (const auto& volume : pruned.volumes) {
        names.push_back(volume.name);
        tell(call, "destroy", volume);
    }
    call.engine.events.append(
        {"volume", "prune", "", {{"reclaimed", std::to_string(pruned.bytes)}}});
    return call.send({{"VolumesDeleted", std::move(names)}, {"SpaceReclaimed", pruned.bytes}});
}

}  // namespace berth::daemon
