#include <algorithm>

#include "build/builder.h"
#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/container_json.h"
#include "daemon/handlers.h"
#include "daemon/image_json.h"
#include "daemon/volume_json.h"
#include "image/store.h"

namespace berth::daemon {

using codec::Json;

Json cache_record_json(const build::CacheRecord& record) {
    return {
        {"ID", record.id},
        {"Parent", record.parent},
        {"Parents", record.parent.empty() ? Json(nullptr) : Json::array({record.parent})},
        {"Type", record.type},
        {"Description", record.description},
        {"InUse", record.in_use},
        {"Shared", record.shared},
        {"Size", record.bytes},
        {"CreatedAt", to_rfc3339(record.created)},
        {"LastUsedAt", record.last_used == Timestamp{} ? Json(nullptr) : Json(to_rfc3339(record.last_used))},
        {"UsageCount", record.usage_count}};
}

namespace {
Result<> add_images(Call& call, Json& out) {
    const auto summaries = TRY(call.engine.images.list({.shared_sizes = true}));
    const auto usage = TRY(call.engine.images.usage());
    Json images = Json::array();
    // The number of containers is part of this answer in every version.
    for (const auto& summary : summaries) {
        Json entry = list_entry_of(summary, call.version, false);
        entry["Containers"] = call.engine.containers.using_image(summary.id.to_string()).size();
        images.push_back(std::move(entry));
    }
    out["LayersSize"] = usage.bytes;
    out["Images"] = std::move(images);
    return {};
}

Result<> add_containers(Call& call, Json& out) {
    Json containers = Json::array();
    const Timestamp now = call.engine.clock.now();
    for (const auto& view : TRY(call.engine.containers.list({.all = true, .sizes = true})))
        containers.push_back(list_entry_of(view, now, call.version));
    out["Containers"] = std::move(containers);
    return {};
}

Result<> add_volumes(Call& call, Json& out) {
    Json volumes = Json::array();
    for (const auto& volume : call.engine.volumes.list()) {
        const auto bytes = TRY(call.engine.volumes.usage(volume.name, call.stop()));
        Json entry = volume_json(volume);
        entry["UsageData"] = {{"RefCount", call.engine.volumes.users(volume.name).size()}, {"Size", bytes}};
        volumes.push_back(std::move(entry));
    }
    out["Volumes"] = std::move(volumes);
    return {};
}

Result<> add_build_cache(Call& call, Json& out) {
    Json records = Json::array();
    for (const auto& record : TRY(call.engine.builder.cache_records()))
        records.push_back(cache_record_json(record));
    out["BuildCache"] = std::move(records);
    return {};
}
}  // namespace

Result<> show_disk_usage(Call& call) {
    const auto types = call.request.query.all("type");
    for (const auto& type : types) {
        if (type != "container" && type != "image" && type != "volume" && type != "build-cache")
            return fail(ErrorCode::InvalidArgument, "unknown object type: ", type);
    }
    const auto wants = [&](std::string_view type) {
        return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
    };
    Json out{{"LayersSize", 0},
             {"Images", nullptr},
             {"Containers", nullptr},
             {"Volumes", nullptr},
             {"BuildCache", nullptr}};
    if (wants("image")) TRY(add_images(call, out));
    if (wants("container")) TRY(add_containers(call, out));
    if (wants("volume")) TRY(add_volumes(call, out));
    if (wants("build-cache")) TRY(add_build_cache(call, out));
    return call.send(out);
}

}  // namespace berth::daemon
