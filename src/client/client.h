#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/container.h"
#include "api/exec.h"
#include "api/filters.h"
#include "api/network.h"
#include "api/progress.h"
#include "api/version.h"
#include "base/result.h"
#include "client/host.h"
#include "client/stream.h"
#include "http/connection.h"

// Typed calls to the Engine API, for the command line and for compose. Requests are api's wire
// types or small option structs; answers that callers mostly print or pick from stay JSON (include
// codec/json.h to read them).
//
// Each call uses a connection of its own or one of a few idle ones, so a Client may be used by many
// threads at once. Errors carry the engine's message and the code of its HTTP status: NotFound for
// 404, Conflict for 409, InvalidArgument for 400, Unavailable when nobody listens. Calls that may
// last take a std::stop_token and fail with Cancelled.
namespace berth::client {

using Json = nlohmann::ordered_json;
using Query = std::vector<std::pair<std::string, std::string>>;
using Headers = std::vector<std::pair<std::string, std::string>>;
/// One line of a pull, push, load, import or build. An error line is not handed on: it becomes the
/// call's error.
using ProgressSink = std::function<Result<>(const api::ProgressMessage& message)>;
/// One JSON document of a stream of them (events, stats).
using JsonSink = std::function<Result<>(const Json& document)>;

class Transport;

struct ConnectOptions {
    http::Endpoint host;
    /// Program to start, detached, when nobody listens on a unix socket; empty: do not.
    std::string engine;
    std::vector<std::string> engine_arguments;
    std::vector<std::string> engine_environment;  ///< NAME=value
    /// Where the started engine's messages go.
    std::string engine_log;
};

struct LogOptions {
    bool follow = false, timestamps = false, details = false;
    bool stdout_wanted = true, stderr_wanted = true;
    std::string since, until;  ///< RFC 3339, unix seconds or a duration back from now
    std::string tail;          ///< "all" or a number
};

struct AttachOptions {
    bool stdin_wanted = false, stdout_wanted = true, stderr_wanted = true;
    bool logs = false;  ///< first what was written so far
    std::string detach_keys;
};

struct ListContainersOptions {
    bool all = false, size = false;
    int limit = -1;
    api::Filters filters;
};

struct ListImagesOptions {
    bool all = false, digests = false;
    bool manifests = false;  // the variants of each image, too
    api::Filters filters;
};

struct CommitOptions {
    std::string repository, tag, comment, author;
    std::vector<std::string> changes;
    bool pause = true;
};

struct ImportOptions {
    std::string repository, tag, message, platform;
    std::vector<std::string> changes;
};

/// `docker build` as the engine takes it. The context is a tar stream.
struct BuildOptions {
    std::vector<std::string> tags;
    std::string dockerfile;  ///< its path in the context; empty: "Dockerfile"
    std::string remote;      ///< a URL instead of a context
    /// nullopt: mentioned without a value.
    std::vector<std::pair<std::string, std::optional<std::string>>> build_args;
    api::StringMap labels;
    std::string target, platform, network_mode;
    std::vector<std::string> cache_from, extra_hosts;
    bool no_cache = false, pull = false, quiet = false, host_ca = false;
    std::int64_t memory = 0, memory_swap = 0, shm_size = 0;
    std::vector<api::Ulimit> ulimits;
    std::map<std::string, api::AuthConfig> auths;
    /// RUN --mount=type=secret by id; values travel in a header and are never stored.
    std::map<std::string, std::string> secrets;
    /// Further parameters ("berth.*").
    Query more;
};

/// Where a path of a container leads, as `cp` asks before it copies.
struct PathStat {
    std::string name;
    std::int64_t size = 0;
    std::uint32_t mode = 0;  ///< Go's os.FileMode: the top bit says directory
    std::string link_target;
    bool is_directory() const { return (mode & 0x80000000U) != 0; }
};

/// What `wait` answered.
struct ContainerExit {
    int status = 0;
    std::string error;
};

/// A wait that the engine has already taken note of: what happens after begin_wait() returned
/// cannot be missed.
class PendingWait {
public:
    /// Blocks until the engine answers.
    Result<ContainerExit> finish(const std::stop_token& stop = {}) &&;

private:
    friend class Client;
    explicit PendingWait(http::ClientResponse response);
    http::ClientResponse response_;
};

class Client {
public:
    /// Finds the engine, starting it when the options say how, and agrees on an API version.
    /// Unavailable with a hint when nobody listens.
    static Result<Client> connect(const ConnectOptions& options, const std::stop_token& stop = {});
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    const http::Endpoint& host() const;
    /// The version that both sides speak.
    api::ApiVersion api_version() const;

    // Any endpoint, for those that have no verb here. `path` starts with "/" and gets the version
    // in front.
    Result<Json> get(const std::string& path, const Query& query = {},
                     const std::stop_token& stop = {}) const;
    Result<Json> post(const std::string& path, const Query& query, const std::string& json_body,
                      const std::stop_token& stop = {}) const;
    Result<Json> remove(const std::string& path, const Query& query = {}) const;

    // system.cpp
    Result<Json> system_version() const;
    Result<Json> info() const;
    /// `types`: "image", "container", "volume", "build-cache"; empty: all.
    Result<Json> disk_usage(const std::vector<std::string>& types = {}) const;
    /// Berth's own: what each part of the data root takes on disk, and all of it.
    Result<Json> data_root_usage() const;
    struct PrunePlanOptions {
        std::vector<std::string> types;  // "container", "network", "volume", "image", "build-cache"
        bool all_images = false;         // not only those without a name
        bool all_volumes = false;        // not only anonymous ones
        api::Filters filters;
    };
    /// Berth's own: what a prune would remove, and its removal as far as it is as it was. The plan
    /// goes back as it came.
    Result<Json> prune_plan(const PrunePlanOptions& options) const;
    Result<Json> carry_out_prune_plan(const Json& plan) const;
    /// Ends by itself when `until` is given.
    Result<> events(const std::string& since, const std::string& until, const api::Filters& filters,
                    const JsonSink& sink, const std::stop_token& stop = {}) const;
    /// The registry's verdict: its status text, and an identity token that replaces the password
    /// when not empty.
    struct LoginAnswer {
        std::string status, identity_token;
    };
    Result<LoginAnswer> login(const api::AuthConfig& auth) const;

    // containers.cpp
    Result<api::ContainerCreateResponse> create_container(
        const api::ContainerCreateRequest& request, const std::string& name = {},
        const std::string& platform = {}) const;
    /// False when it ran already.
    Result<bool> start_container(const std::string& id, const std::string& detach_keys = {}) const;
    Result<> stop_container(const std::string& id, std::optional<int> seconds = {},
                            const std::string& signal = {}, const std::stop_token& stop = {}) const;
    Result<> restart_container(const std::string& id, std::optional<int> seconds = {},
                               const std::string& signal = {}) const;
    Result<> kill_container(const std::string& id, const std::string& signal = {}) const;
    struct RemoveOptions {
        bool force = false, volumes = false, link = false;
    };
    Result<> remove_container(const std::string& id, const RemoveOptions& options) const;
    /// `condition`: "not-running", "next-exit" or "removed".
    Result<PendingWait> begin_wait(const std::string& id, const std::string& condition = {}) const;
    Result<ContainerExit> wait_container(const std::string& id, const std::string& condition = {},
                                         const std::stop_token& stop = {}) const;
    Result<Json> inspect_container(const std::string& id, bool size = false) const;
    Result<Json> list_containers(const ListContainersOptions& options) const;
    Result<> logs(const std::string& id, const LogOptions& options, const OutputSink& sink,
                  const std::stop_token& stop = {}) const;
    /// Works on a created container too: nothing it writes after its start is missed.
    Result<Session> attach(const std::string& id, const AttachOptions& options) const;
    Result<std::string> create_exec(const std::string& container,
                                    const api::ExecCreateRequest& request) const;
    Result<Session> start_exec(const std::string& exec_id,
                               const api::ExecStartRequest& request) const;
    Result<> start_exec_detached(const std::string& exec_id) const;
    Result<Json> inspect_exec(const std::string& exec_id) const;
    Result<> resize_container(const std::string& id, int rows, int columns) const;
    Result<> resize_exec(const std::string& exec_id, int rows, int columns) const;
    Result<Json> top(const std::string& id, const std::string& ps_arguments = {}) const;
    /// One sample a second until the container goes, `sink` fails or `stop` is requested; with
    /// `once`, one sample.
    Result<> stats(const std::string& id, bool once, const JsonSink& sink,
                   const std::stop_token& stop = {}) const;
    Result<> rename_container(const std::string& id, const std::string& name) const;
    Result<> pause_container(const std::string& id) const;
    Result<> unpause_container(const std::string& id) const;
    Result<Json> update_container(const std::string& id,
                                  const api::ContainerUpdateRequest& request) const;
    Result<Json> changes(const std::string& id) const;
    /// Returns the new image's ID.
    Result<std::string> commit(const std::string& id, const CommitOptions& options) const;
    Result<> export_container(const std::string& id, const BytesSink& sink,
                              const std::stop_token& stop = {}) const;
    Result<Json> prune_containers(const api::Filters& filters) const;

    // archive.cpp
    Result<PathStat> stat_path(const std::string& id, const std::string& path) const;
    /// The tar of `path`; its entries start with the path's last name.
    Result<PathStat> copy_from(const std::string& id, const std::string& path,
                               const BytesSink& sink, const std::stop_token& stop = {}) const;
    struct CopyToOptions {
        bool copy_uid_gid = false;
        bool no_overwrite_dir_non_dir = true;
    };
    /// Unpacks a tar stream into directory `path`.
    Result<> copy_to(const std::string& id, const std::string& path, const BytesSource& tar,
                     const CopyToOptions& options, const std::stop_token& stop = {}) const;

    // images.cpp
    Result<Json> list_images(const ListImagesOptions& options) const;
    Result<Json> inspect_image(const std::string& name, const std::string& platform = {}) const;
    Result<Json> image_history(const std::string& name, const std::string& platform = {}) const;
    Result<> pull(const std::string& reference, const std::string& platform,
                  const api::AuthConfig& auth, const ProgressSink& sink,
                  const std::stop_token& stop = {}) const;
    /// Credentials by registry.
    using Auths = std::map<std::string, api::AuthConfig>;
    /// `others`: what the engine may need to fetch again what it does not keep.
    Result<> push(const std::string& reference, const std::string& platform,
                  const api::AuthConfig& auth, const Auths& others, const ProgressSink& sink,
                  const std::stop_token& stop = {}) const;
    /// Berth's own: what each layer brings, and what differs between two images.
    /// From a registry, as `save_images` would give it.
    Result<> copy_to_archive(const std::string& from, const std::string& platform,
                             const Auths& auths, const BytesSink& sink,
                             const std::stop_token& stop = {}) const;
    /// An OCI layout in a tar, with one image, to a registry.
    Result<> copy_from_archive(const BytesSource& tar, const std::string& to,
                               const std::string& platform, const Auths& auths,
                               const ProgressSink& sink, const std::stop_token& stop = {}) const;
    /// `json_body` names "from" and "to", maybe "local" and "platform".
    Result<> copy_image(const std::string& json_body, const Auths& auths, const ProgressSink& sink,
                        const std::stop_token& stop = {}) const;
    /// What a registry has under a name: {"Descriptor", "Raw"}, and putting something there.
    Result<Json> registry_manifest(const std::string& name, const api::AuthConfig& auth) const;
    Result<Json> put_manifest(const std::string& name, const std::string& bytes,
                              const api::AuthConfig& auth) const;
    Result<Json> inspect_distribution(const std::string& name, const api::AuthConfig& auth) const;
    Result<Json> image_layers(const std::string& name, const std::string& platform) const;
    Result<Json> image_diff(const std::string& before, const std::string& after) const;
    /// Whether what is stored is whole; with `repair`, damage is mended where that is possible.
    Result<Json> check_system(bool repair, const Auths& auths) const;
    /// Berth's own: a pinned image is neither evicted nor pruned. [{"Id", "RepoTags"}]
    Result<Json> list_pins() const;
    Result<> pin_image(const std::string& name, bool pinned) const;
    Result<> tag_image(const std::string& source, const std::string& target) const;
    struct RemoveImageOptions {
        bool force = false, no_prune = false;
        std::vector<std::string> platforms;  // only these variants
    };
    /// [{"Untagged": ...}, {"Deleted": ...}]
    Result<Json> remove_image(const std::string& name, const RemoveImageOptions& options) const;
    /// `auths`: what the engine may need to fetch again what it does not keep.
    Result<> save_images(const std::vector<std::string>& names, const std::string& platform,
                         const Auths& auths, const BytesSink& sink,
                         const std::stop_token& stop = {}) const;
    /// `platform` may be empty: everything that the archive has.
    Result<> load_images(const BytesSource& tar, bool quiet, const std::string& platform,
                         const ProgressSink& sink, const std::stop_token& stop = {}) const;
    Result<> import_image(const BytesSource& tar, const ImportOptions& options,
                          const ProgressSink& sink, const std::stop_token& stop = {}) const;
    Result<Json> prune_images(const api::Filters& filters) const;
    Result<Json> search_images(const std::string& term, int limit,
                               const api::Filters& filters) const;
    /// Makes a base image from a distribution's package archive; `parameters` as the endpoint
    /// documents them.
    Result<> bootstrap_image(const std::string& json_body, const ProgressSink& sink,
                             const std::stop_token& stop = {}) const;

    // build.cpp
    Result<> build(const BuildOptions& options, const BytesSource& context,
                   const ProgressSink& sink, const std::stop_token& stop = {}) const;
    Result<Json> prune_builds(bool all, const api::Filters& filters) const;

    // networks.cpp
    /// {"Id", "Warning"}
    Result<Json> create_network(const api::NetworkCreateRequest& request) const;
    Result<Json> list_networks(const api::Filters& filters = {}) const;
    Result<Json> inspect_network(const std::string& name, bool verbose = false) const;
    Result<> remove_network(const std::string& name) const;
    Result<> connect_network(const std::string& network,
                             const api::NetworkConnectRequest& request) const;
    Result<> disconnect_network(const std::string& network,
                                const api::NetworkDisconnectRequest& request) const;
    Result<Json> prune_networks(const api::Filters& filters) const;

    // volumes.cpp
    Result<Json> create_volume(const api::VolumeCreateRequest& request) const;
    /// {"Volumes": [...], "Warnings": [...]}
    Result<Json> list_volumes(const api::Filters& filters = {}) const;
    Result<Json> inspect_volume(const std::string& name) const;
    Result<> remove_volume(const std::string& name, bool force = false) const;
    Result<Json> prune_volumes(const api::Filters& filters) const;

private:
    explicit Client(std::unique_ptr<Transport> transport);
    std::unique_ptr<Transport> transport_;
};

}  // namespace berth::client
