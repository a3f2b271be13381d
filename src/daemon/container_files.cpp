#include "codec/base64.h"
#include "codec/compression.h"
#include "container/containers.h"
#include "daemon/body_source.h"
#include "daemon/call.h"
#include "daemon/changes.h"
#include "daemon/handlers.h"
#include "layer/foreign.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::string stat_header(const container::PathStat& stat) {
    const Json json{{"name", stat.name},
                    {"size", stat.size},
                    {"mode", stat.go_mode},
                    {"mtime", to_rfc3339(stat.modified)},
                    {"linkTarget", stat.link_target}};
    return codec::encode_base64(codec::dump_json(json));
}

Result<std::string> path_of(const Call& call) {
    std::string path = call.query("path");
    if (path.empty())
        return fail(ErrorCode::InvalidArgument, "bad parameter: 'path' cannot be empty");
    return path;
}
}  // namespace

Result<> show_changes(Call& call) {
    const auto changes = TRY(call.engine.containers.changes(call.parameter("id")));
    if (changes.empty()) return call.send(nullptr);
    Json list = Json::array();
    for (const auto& change : changes)
        list.push_back({{"Path", change.path}, {"Kind", static_cast<int>(change.kind)}});
    return call.send(list);
}

Result<> export_container(Call& call) {
    const auto id = TRY(call.engine.containers.find_id(call.parameter("id")));
    call.response.headers.set("Content-Type", "application/x-tar");
    return call.engine.containers.export_tree(
        id, [&](std::span<const std::byte> bytes) { return call.response.write(bytes); },
        call.stop());
}

Result<> stat_archive(Call& call) {
    const auto path = TRY(path_of(call));
    const auto stat = TRY(call.engine.containers.stat_path(call.parameter("id"), path));
    call.response.headers.set("X-Docker-Container-Path-Stat", stat_header(stat));
    return call.send_status(200);
}

Result<> get_archive(Call& call) {
    const auto path = TRY(path_of(call));
    const auto begin = [&](const container::PathStat& stat) {
        call.response.headers.set("Content-Type", "application/x-tar");
        call.response.headers.set("X-Docker-Container-Path-Stat", stat_header(stat));
        return Result<>();
    };
    TRY(call.engine.containers.copy_out(
        call.parameter("id"), path, begin,
        [&](std::span<const std::byte> bytes) { return call.response.write(bytes); }, call.stop()));
    return {};
}

Result<> put_archive(Call& call) {
    const auto path = TRY(path_of(call));
    BodySource body(call.request);
    const auto archive = TRY(layer::open_any_decompressor(body));
    TRY(call.engine.containers.copy_in(
        call.parameter("id"), path,
        {.no_overwrite_dir_non_dir = call.flag("noOverwriteDirNonDir"),
         .copy_uid_gid = call.flag("copyUIDGID")},
        [&](std::span<std::byte> buffer) { return archive->read(buffer); }, call.stop()));
    return call.send_status(200);
}

Result<> commit_container(Call& call) {
    container::CommitOptions options{.author = call.query("author"),
                                     .comment = call.query("comment"),
                                     .pause = call.flag("pause", true)};
    const std::string repository = call.query("repo");
    if (!repository.empty()) {
        const std::string tag = call.query("tag");
        options.reference = tag.empty() ? repository : repository + ":" + tag;
    }
    options.changes = changes_of(call.request.query);
    if (!options.changes.empty()) options.config_json = TRY(config_of_changes(options.changes));
    const auto id =
        TRY(call.engine.containers.commit(call.query("container"), options, call.stop()));
    return call.send({{"Id", id}}, 201);
}

}  // namespace berth::daemon
