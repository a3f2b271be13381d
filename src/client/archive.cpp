#include "client/transport_internal.h"
#include "codec/base64.h"

namespace berth::client {

namespace {

Result<PathStat> read_stat(const http::ClientResponse& response) {
    const auto text = codec::decode_base64(response.headers.get("X-Docker-Container-Path-Stat"));
    if (!text) return fail(ErrorCode::Corrupted, "the engine sent no description of the path");
    const auto json = TRY(codec::parse_json(*text));
    PathStat stat;
    stat.name = codec::get_string(json, "name");
    stat.size = codec::get_int(json, "size");
    stat.mode = static_cast<std::uint32_t>(codec::get_int(json, "mode"));
    stat.link_target = codec::get_string(json, "linkTarget");
    return stat;
}

}  // namespace

Result<PathStat> Client::stat_path(const std::string& id, const std::string& path) const {
    auto response = transport_->send({.method = "HEAD",
                                      .path = path_of("/containers/", id, "/archive"),
                                      .query = {{"path", path}}});
    // A HEAD has no body that could say what is wrong.
    if (!response && response.error().is(ErrorCode::NotFound)) {
        TRY(inspect_container(id));
        return fail(ErrorCode::NotFound, "there is no ", path, " in container ", id);
    }
    if (!response) return std::move(response).error();
    return read_stat(*response);
}

Result<PathStat> Client::copy_from(const std::string& id, const std::string& path,
                                   const BytesSink& sink, const std::stop_token& stop) const {
    auto response = TRY(transport_->send(
        {.path = path_of("/containers/", id, "/archive"), .query = {{"path", path}}}, stop));
    auto stat = TRY(read_stat(response));
    std::string buffer(64 << 10, '\0');
    while (true) {
        const std::size_t count =
            TRY(response.read(std::as_writable_bytes(std::span(buffer)), stop));
        if (count == 0) return stat;
        TRY(sink(std::string_view(buffer).substr(0, count)));
    }
}

Result<> Client::copy_to(const std::string& id, const std::string& path, const BytesSource& tar,
                         const CopyToOptions& options, const std::stop_token& stop) const {
    Call call{.method = "PUT",
              .path = path_of("/containers/", id, "/archive"),
              .query = {{"path", path}}};
    add_flag(call.query, "noOverwriteDirNonDir", options.no_overwrite_dir_non_dir);
    add_flag(call.query, "copyUIDGID", options.copy_uid_gid);
    call.tar_body = tar;
    return transport_->done(std::move(call), stop);
}

}  // namespace berth::client
