#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "build/builder.h"
#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/container_json.h"
#include "daemon/handlers.h"
#include "daemon/image_json.h"
#include "daemon/volume_json.h"
#include "engine/holdings.h"
#include "image/store.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::daemon {

using codec::Json;

Json cache_record_json(const build::CacheRecord& record) {
    return {{"ID", record.id},
            {"Parent", record.parent},
            {"Parents", record.parent.empty() ? Json(nullptr) : Json::array({record.parent})},
            {"Type", record.type},
            {"Description", record.description},
            {"InUse", record.in_use},
            {"Shared", record.shared},
            {"Size", record.bytes},
            {"CreatedAt", to_rfc3339(record.created)},
            {"LastUsedAt",
             record.last_used == Timestamp{} ? Json(nullptr) : Json(to_rfc3339(record.last_used))},
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
        entry["UsageData"] = {{"RefCount", call.engine.volumes.users(volume.name).size()},
                              {"Size", bytes}};
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

std::int64_t number_at(const Json& entry, const char* member) {
    return codec::get_int(entry, member);
}

/// How 1.52 sums a list up: its length, how many of it are in use, bytes, and bytes that a prune
/// would free.
Json usage_json(const Json& items, bool verbose, auto is_active, auto bytes) {
    std::int64_t active = 0, total = 0, reclaimable = 0;
    for (const auto& item : items) {
        total += bytes(item);
        if (is_active(item))
            ++active;
        else
            reclaimable += bytes(item);
    }
    Json out{{"ActiveCount", active},
             {"TotalCount", items.size()},
             {"Reclaimable", reclaimable},
             {"TotalSize", total}};
    if (verbose) out["Items"] = items;
    return out;
}

Json usages_json(const Json& lists, bool verbose) {
    Json out = Json::object();
    if (const Json& images = lists["Images"]; !images.is_null()) {
        out["ImageUsage"] = usage_json(
            images, verbose, [](const Json& image) { return number_at(image, "Containers") > 0; },
            [](const Json& image) {
                return number_at(image, "Size") -
                       std::max<std::int64_t>(0, number_at(image, "SharedSize"));
            });
        // What images share counts once.
        out["ImageUsage"]["TotalSize"] = lists["LayersSize"];
    }
    if (const Json& containers = lists["Containers"]; !containers.is_null()) {
        out["ContainerUsage"] = usage_json(
            containers, verbose,
            [](const Json& container) {
                const std::string state = codec::get_string(container, "State");
                return state == "running" || state == "paused" || state == "restarting";
            },
            [](const Json& container) { return number_at(container, "SizeRw"); });
    }
    if (const Json& volumes = lists["Volumes"]; !volumes.is_null()) {
        out["VolumeUsage"] = usage_json(
            volumes, verbose,
            [](const Json& volume) { return number_at(volume["UsageData"], "RefCount") > 0; },
            [](const Json& volume) { return number_at(volume["UsageData"], "Size"); });
    }
    if (const Json& records = lists["BuildCache"]; !records.is_null()) {
        out["BuildCacheUsage"] = usage_json(
            records, verbose, [](const Json& record) { return codec::get_bool(record, "InUse"); },
            [](const Json& record) {
                return codec::get_bool(record, "Shared") ? 0 : number_at(record, "Size");
            });
    }
    return out;
}

/// What lies in the data root, and whose it is.
struct Part {
    std::string_view entry, holds;
};
constexpr Part parts[] = {
    {"layers", "unpacked layers of images"},
    {"blobs", "compressed layers and documents of images"},
    {"ingest", "content that is being received, or was when it broke off"},
    {"containers", "writable layers, logs and settings of containers"},
    {"volumes", "volumes"},
    {"build-cache", "cache mounts of builds"},
    {"builds", "records of builds"},
    {"tmp", "work under way"},
    {"trash", "what is being removed"},
    {"berth.db", "the database"},
};

std::string_view holds_of(std::string_view entry) {
    const auto* found = std::find_if(std::begin(parts), std::end(parts), [&](const Part& part) {
        return entry == part.entry || (part.entry == "berth.db" && entry.starts_with("berth.db-"));
    });
    return found != std::end(parts) ? found->holds : std::string_view("other");
}
}  // namespace

// What du(1) says of the data root, by what it is for. Nothing is left out, so that the total is
// the truth.
Result<> show_data_root(Call& call) {
    const std::string root = call.engine.configuration.get()->data_root;
    const struct stat status = TRY(sys::fstatat(AT_FDCWD, root, 0).context(root));
    auto total = static_cast<std::uint64_t>(status.st_blocks) * 512;  // the folder's own blocks
    std::map<std::string_view, std::uint64_t> sizes = {{"other", total}};
    for (const auto& entry : TRY(sys::list_dir(root).context(root))) {
        auto measured = sys::disk_usage(concat(root, "/", entry.name));
        if (measured.is_error() && measured.error().is(ErrorCode::NotFound))
            continue;  // was on its way out
        const std::uint64_t used = TRY(std::move(measured));
        sizes[holds_of(entry.name)] += used;
        total += used;
    }
    Json list = Json::array();
    for (const auto& [holds, bytes] : sizes) list.push_back({{"Holds", holds}, {"Size", bytes}});
    Json objects = Json::array();
    for (const auto& holding : TRY(engine::list_holdings(call.engine, call.stop())))
        objects.push_back({{"Type", to_string(holding.kind)},
                           {"ID", holding.id},
                           {"Names", holding.names},
                           {"Size", holding.bytes},
                           {"Unique", holding.own}});
    return call.send({{"Root", root},
                      {"Parts", std::move(list)},
                      {"Objects", std::move(objects)},
                      {"Total", total}});
}

Result<> show_disk_usage(Call& call) {
    const auto types = call.request.query.all("type");
    for (const auto& type : types) {
        if (type != "container" && type != "image" && type != "volume" && type != "build-cache")
            return fail(ErrorCode::InvalidArgument, "unknown object type: ", type);
    }
    const auto wants = [&](std::string_view type) {
        return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
    };
    Json lists{{"LayersSize", 0},
               {"Images", nullptr},
               {"Containers", nullptr},
               {"Volumes", nullptr},
               {"BuildCache", nullptr}};
    if (wants("image")) TRY(add_images(call, lists));
    if (wants("container")) TRY(add_containers(call, lists));
    if (wants("volume")) TRY(add_volumes(call, lists));
    if (wants("build-cache")) TRY(add_build_cache(call, lists));
    if (!call.is_at_least(52)) return call.send(lists);
    // Whoever asks for "verbose" knows the new members; others get both.
    const bool verbose = call.flag("verbose");
    Json out = usages_json(lists, verbose);
    if (!verbose) out.update(lists);
    return call.send(out);
}

}  // namespace berth::daemon
