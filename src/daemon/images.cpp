#include <atomic>

#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/handlers.h"
#include "daemon/image_json.h"
#include "image/store.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::atomic<bool> pruning_images{false};

}  // namespace

Result<oci::Platform> platform_of(const std::string& text) {
    if (text.empty()) return oci::Platform{};
    if (!text.starts_with('{')) return oci::Platform::parse(text);
    const auto json = TRY(codec::parse_json(text));
    oci::Platform platform{.os = codec::get_string(json, "os"),
                           .architecture = codec::get_string(json, "architecture"),
                           .variant = codec::get_string(json, "variant"),
                           .os_version = codec::get_string(json, "os.version")};
    if (platform.os.empty() || platform.architecture.empty())
        return fail(ErrorCode::InvalidArgument, "invalid platform: os and architecture are needed");
    return platform;
}

namespace {
Json removed_json(const std::vector<image::Removed>& removed) {
    Json list = Json::array();
    for (const auto& item : removed) {
        if (!item.untagged.empty()) list.push_back({{"Untagged", item.untagged}});
        if (!item.deleted.empty()) list.push_back({{"Deleted", item.deleted}});
    }
    return list;
}
}  // namespace

Result<> list_images(Call& call) {
    const auto filters =
        TRY(call.filters({"before", "dangling", "label", "label!", "reference", "since", "until"}));
    const auto dangling = TRY(filters.boolean("dangling"));
    image::ListFilter filter{.all = call.flag("all"),
                             .references = filters.values("reference"),
                             .dangling = dangling,
                             .labels = filters.values("label"),
                             .without_labels = filters.values("label!"),
                             .shared_sizes = call.flag("shared-size"),
                             .manifests = (call.flag("manifests") && call.is_at_least(47)) ||
                                          (call.flag("identity") && call.is_at_least(54))};
    if (const std::string name = call.query("filter"); !name.empty() && !call.is_at_least(41))
        filter.references.push_back(name);
    if (!filters.values("before").empty()) filter.before = filters.values("before").front();
    if (!filters.values("since").empty()) filter.since = filters.values("since").front();
    filter.until = TRY(until_of(filters, call.engine.clock.now()));
    const auto summaries = TRY(call.engine.images.list(filter));
    Json list = Json::array();
    for (const auto& summary : summaries)
        list.push_back(list_entry_of(summary, call.version, filter.manifests));
    return call.send(list);
}

Result<> inspect_image(Call& call) {
    const bool manifests = call.flag("manifests") && call.is_at_least(48);
    const auto platform = TRY(platform_of(call.query("platform")));
    if (manifests && !platform.is_empty())
        return fail(ErrorCode::InvalidArgument,
                    "conflicting options: manifests and platform options cannot both be set");
    const auto image = TRY(
        platform.is_empty() ? call.engine.images.resolve_any(call.parameter("name"))
                            : call.engine.images.resolve_exactly(call.parameter("name"), platform));
    const auto summary = TRY(call.engine.images.summary(call.parameter("name")));
    return call.send(inspect_of(summary, image, call.version, manifests));
}

Result<> show_history(Call& call) {
    const auto platform = TRY(platform_of(call.query("platform")));
    const auto history = TRY(call.engine.images.history(call.parameter("name"), platform));
    Json list = Json::array();
    for (const auto& entry : history) {
        list.push_back({{"Comment", entry.comment},
                        {"Created", std::chrono::duration_cast<std::chrono::seconds>(
                                        entry.created.time_since_epoch())
                                        .count()},
                        {"CreatedBy", entry.created_by},
                        {"Id", entry.id},
                        {"Size", entry.size},
                        {"Tags", entry.tags.empty() ? Json(nullptr) : Json(entry.tags)}});
    }
    return call.send(list);
}

Result<> tag_image(Call& call) {
    const std::string repository = call.query("repo");
    const std::string tag = call.query("tag");
    if (repository.empty()) return fail(ErrorCode::InvalidArgument, "invalid reference format");
    TRY(call.engine.images.tag(call.parameter("name"),
                               tag.empty() ? repository : repository + ":" + tag));
    return call.send_status(201);
}

Result<> remove_image(Call& call) {
    image::RemoveOptions options{
        .force = call.flag("force"), .prune_parents = !call.flag("noprune"), .platforms = {}};
    // One JSON document each, or a list of them in one.
    for (const auto& text : call.request.query.all("platforms")) {
        const auto json =
            text.starts_with('[') ? codec::parse_json(text) : Result<Json>(Json::array({text}));
        if (!json)
            return fail(ErrorCode::InvalidArgument,
                        "parameter platforms: ", json.error().message());
        for (const auto& item : *json)
            options.platforms.push_back(TRY(
                platform_of(item.is_string() ? item.get<std::string>() : codec::dump_json(item))));
    }
    const auto removed = TRY(call.engine.images.remove(call.parameter("name"), options));
    return call.send(removed_json(removed));
}

Result<> prune_images(Call& call) {
    const auto filters = TRY(call.filters({"dangling", "label", "label!", "until"}));
    const auto dangling = TRY(filters.boolean("dangling"));
    const auto until = TRY(until_of(filters, call.engine.clock.now()));
    image::PruneFilter filter{.dangling_only = dangling.value_or(true),
                              .until = until,
                              .labels = filters.values("label"),
                              .without_labels = filters.values("label!")};
    const auto guard = TRY(engine::PruneGuard::acquire(pruning_images));
    const auto pruned = TRY(call.engine.images.prune(filter, call.stop()));
    Json deleted = pruned.removed.empty() ? Json(nullptr) : removed_json(pruned.removed);
    return call.send({{"ImagesDeleted", std::move(deleted)}, {"SpaceReclaimed", pruned.bytes}});
}

Result<> list_pins(Call& call) {
    Json list = Json::array();
    for (const auto& summary : TRY(call.engine.images.list({})))
        if (TRY(call.engine.images.is_pinned(summary.id)))
            list.push_back({{"Id", summary.id.to_string()}, {"RepoTags", summary.repo_tags}});
    return call.send(list);
}

Result<> pin_image(Call& call) {
    TRY(call.engine.images.set_pinned(call.parameter("name"), true));
    return call.send_status(204);
}

Result<> unpin_image(Call& call) {
    TRY(call.engine.images.set_pinned(call.parameter("name"), false));
    return call.send_status(204);
}

Result<> search_images(Call& call) {
    constexpr int default_limit = 25, max_limit = 100;
    const auto filters = TRY(call.filters({"is-automated", "is-official", "stars"}));
    const auto official = TRY(filters.boolean("is-official"));
    const auto limit = call.request.query.number("limit").value_or(default_limit);
    if (limit < 1 || limit > max_limit)
        return fail(ErrorCode::InvalidArgument, "limit ", limit,
                    " is outside the range of [1, 100]");
    std::int64_t stars = 0;
    for (const auto& text : filters.values("stars")) {
        const auto number = parse_uint(text);
        if (!number) return fail(ErrorCode::InvalidArgument, "invalid filter 'stars=", text, "'");
        stars = std::max(stars, static_cast<std::int64_t>(*number));
    }
    const std::string term = call.query("term");
    if (term.empty()) return fail(ErrorCode::InvalidArgument, "a search needs a term");
    Json list = Json::array();
    for (const auto& found :
         TRY(call.engine.registries.search(term, static_cast<int>(limit), call.stop()))) {
        if (found.stars < stars || (official && *official != found.is_official)) continue;
        list.push_back({{"name", found.name},
                        {"description", found.description},
                        {"star_count", found.stars},
                        {"is_official", found.is_official},
                        {"is_automated", false}});
    }
    return call.send(list);
}

}  // namespace berth::daemon
