#include "client/transport_internal.h"

namespace berth::client {

namespace {

struct NameAndTag {
    std::string name, tag;
};

// "repo:tag" apart; a digest stays in the tag, as the API wants it.
NameAndTag split_reference(const std::string& reference) {
    if (const auto at = reference.find('@'); at != std::string::npos) {
        return {reference.substr(0, at), reference.substr(at + 1)};
    }
    const auto colon = reference.rfind(':');
    if (colon == std::string::npos || reference.find('/', colon) != std::string::npos)
        return {reference, {}};
    return {reference.substr(0, colon), reference.substr(colon + 1)};
}

Headers auth_headers(const api::AuthConfig& auth) {
    if (auth.is_empty()) return {};
    return {{"X-Registry-Auth", auth.to_header()}};
}

}  // namespace

Result<Json> Client::list_images(const ListImagesOptions& options) const {
    Call call{.path = "/images/json"};
    add_flag(call.query, "all", options.all);
    add_flag(call.query, "digests", options.digests);
    add_flag(call.query, "manifests", options.manifests);
    add_filters(call.query, options.filters);
    return transport_->json(std::move(call));
}

Result<Json> Client::inspect_image(const std::string& name, const std::string& platform) const {
    Call call{.path = path_of("/images/", name, "/json")};
    add_text(call.query, "platform", platform);
    return transport_->json(std::move(call));
}

Result<Json> Client::image_history(const std::string& name, const std::string& platform) const {
    Call call{.path = path_of("/images/", name, "/history")};
    add_text(call.query, "platform", platform);
    return transport_->json(std::move(call));
}

Result<> Client::pull(const std::string& reference, const std::string& platform,
                      const api::AuthConfig& auth, const ProgressSink& sink,
                      const std::stop_token& stop) const {
    const auto [name, tag] = split_reference(reference);
    Call call{.method = "POST", .path = "/images/create", .query = {{"fromImage", name}}};
    add_text(call.query, "tag", tag);
    add_text(call.query, "platform", platform);
    call.headers = auth_headers(auth);
    return transport_->progress(std::move(call), sink, stop);
}

Result<> Client::push(const std::string& reference, const std::string& platform,
                      const api::AuthConfig& auth, const Auths& others, const ProgressSink& sink,
                      const std::stop_token& stop) const {
    const auto [name, tag] = split_reference(reference);
    Call call{.method = "POST", .path = path_of("/images/", name, "/push")};
    add_text(call.query, "tag", tag);
    add_text(call.query, "platform", platform);
    // The API asks for the header even when there is nothing to say.
    call.headers = {{"X-Registry-Auth", auth.to_header()}};
    if (!others.empty()) call.headers.emplace_back("X-Registry-Config", api::to_header(others));
    return transport_->progress(std::move(call), sink, stop);
}

Result<> Client::tag_image(const std::string& source, const std::string& target) const {
    const auto [name, tag] = split_reference(target);
    Call call{
        .method = "POST", .path = path_of("/images/", source, "/tag"), .query = {{"repo", name}}};
    add_text(call.query, "tag", tag);
    return transport_->done(std::move(call));
}

Result<Json> Client::remove_image(const std::string& name,
                                  const RemoveImageOptions& options) const {
    Call call{.method = "DELETE", .path = path_of("/images/", name)};
    add_flag(call.query, "force", options.force);
    add_flag(call.query, "noprune", options.no_prune);
    for (const auto& platform : options.platforms) call.query.emplace_back("platforms", platform);
    return transport_->json(std::move(call));
}

Result<> Client::save_images(const std::vector<std::string>& names, const std::string& platform,
                             const Auths& auths, const BytesSink& sink,
                             const std::stop_token& stop) const {
    Call call{.path = "/images/get"};
    for (const auto& name : names) call.query.emplace_back("names", name);
    add_text(call.query, "platform", platform);
    if (!auths.empty()) call.headers.emplace_back("X-Registry-Config", api::to_header(auths));
    return transport_->bytes(std::move(call), sink, stop);
}

Result<> Client::load_images(const BytesSource& tar, bool quiet, const std::string& platform,
                             const ProgressSink& sink, const std::stop_token& stop) const {
    Call call{.method = "POST", .path = "/images/load", .query = {{"quiet", quiet ? "1" : "0"}}};
    add_text(call.query, "platform", platform);
    call.tar_body = tar;
    return transport_->progress(std::move(call), sink, stop);
}

Result<> Client::import_image(const BytesSource& tar, const ImportOptions& options,
                              const ProgressSink& sink, const std::stop_token& stop) const {
    Call call{.method = "POST", .path = "/images/create", .query = {{"fromSrc", "-"}}};
    add_text(call.query, "repo", options.repository);
    add_text(call.query, "tag", options.tag);
    add_text(call.query, "message", options.message);
    add_text(call.query, "platform", options.platform);
    for (const auto& change : options.changes) call.query.emplace_back("changes", change);
    call.tar_body = tar;
    return transport_->progress(std::move(call), sink, stop);
}

Result<Json> Client::list_pins() const {
    return transport_->json({.path = "/berth/v1/images/pins"});
}

Result<> Client::pin_image(const std::string& name, bool pinned) const {
    return transport_->done(
        {.method = pinned ? "POST" : "DELETE", .path = path_of("/berth/v1/images/", name, "/pin")});
}

Result<Json> Client::prune_images(const api::Filters& filters) const {
    Call call{.method = "POST", .path = "/images/prune"};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

Result<Json> Client::search_images(const std::string& term, int limit,
                                   const api::Filters& filters) const {
    Call call{.path = "/images/search",
              .query = {{"term", term}, {"limit", std::to_string(limit)}}};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

Result<> Client::copy_image(const std::string& json_body, const Auths& auths,
                            const ProgressSink& sink, const std::stop_token& stop) const {
    Call call{.method = "POST", .path = "/berth/v1/images/copy", .json_body = json_body};
    if (!auths.empty()) call.headers.emplace_back("X-Registry-Config", api::to_header(auths));
    return transport_->progress(std::move(call), sink, stop);
}

Result<> Client::copy_to_archive(const std::string& from, const std::string& platform,
                                 const Auths& auths, const BytesSink& sink,
                                 const std::stop_token& stop) const {
    Call call{.path = "/berth/v1/images/copy/archive", .query = {{"from", from}}};
    add_text(call.query, "platform", platform);
    if (!auths.empty()) call.headers.emplace_back("X-Registry-Config", api::to_header(auths));
    return transport_->bytes(std::move(call), sink, stop);
}

Result<> Client::copy_from_archive(const BytesSource& tar, const std::string& to,
                                   const std::string& platform, const Auths& auths,
                                   const ProgressSink& sink, const std::stop_token& stop) const {
    Call call{.method = "POST", .path = "/berth/v1/images/copy/archive", .query = {{"to", to}}};
    add_text(call.query, "platform", platform);
    if (!auths.empty()) call.headers.emplace_back("X-Registry-Config", api::to_header(auths));
    call.tar_body = tar;
    return transport_->progress(std::move(call), sink, stop);
}

Result<Json> Client::registry_manifest(const std::string& name, const api::AuthConfig& auth) const {
    return transport_->json(
        {.path = path_of("/berth/v1/manifests/", name), .headers = auth_headers(auth)});
}

Result<Json> Client::put_manifest(const std::string& name, const std::string& bytes,
                                  const api::AuthConfig& auth) const {
    return transport_->json({.method = "PUT",
                             .path = path_of("/berth/v1/manifests/", name),
                             .json_body = bytes,
                             .headers = auth_headers(auth)});
}

Result<Json> Client::inspect_distribution(const std::string& name,
                                          const api::AuthConfig& auth) const {
    return transport_->json(
        {.path = path_of("/distribution/", name, "/json"), .headers = auth_headers(auth)});
}

Result<Json> Client::image_layers(const std::string& name, const std::string& platform) const {
    Call call{.path = path_of("/berth/v1/images/", name, "/layers")};
    add_text(call.query, "platform", platform);
    return transport_->json(std::move(call));
}

Result<Json> Client::image_diff(const std::string& before, const std::string& after) const {
    return transport_->json(
        {.path = "/berth/v1/images/diff", .query = {{"before", before}, {"after", after}}});
}

Result<> Client::bootstrap_image(const std::string& json_body, const ProgressSink& sink,
                                 const std::stop_token& stop) const {
    return transport_->progress(
        {.method = "POST", .path = "/berth/v1/images/bootstrap", .json_body = json_body}, sink,
        stop);
}

}  // namespace berth::client
