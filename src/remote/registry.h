#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/descriptor.h"
#include "oci/reference.h"

namespace berth::remote {

/// What to log in to one registry with. Never logged.
struct Credentials {
    std::string username, password;
    std::string identity_token;  // an OAuth2 refresh token
    std::string registry_token;  // sent as it is as a bearer token
    bool is_empty() const {
        return username.empty() && identity_token.empty() && registry_token.empty();
    }
};
/// Credentials for a registry host ("docker.io", "localhost:5000"); empty ones for anonymous
/// access.
using CredentialsProvider = std::function<Credentials(const std::string& host)>;

/// How registries are reached; from the engine's configuration.
struct HostOptions {
    std::vector<std::string>
        insecure;  // hosts ("reg.local:5000") or networks ("10.0.0.0/8"): plain HTTP, no TLS check
    std::vector<std::string> mirrors;     // URLs tried before docker.io
    std::vector<std::string> hosts_dirs;  // <dir>/<host>/hosts.toml: mirrors of any registry
    std::string certs_dir = "/etc/docker/certs.d";  // <dir>/<host>/{*.crt,*.cert,*.key}
    std::string user_agent;
};

/// Receives bytes as they come. An error ends the transfer and is returned by it.
using Sink = std::function<Result<>(std::span<const std::byte>)>;
/// Fills the buffer from `offset` on; 0 at the end. Called again from an earlier offset when a
/// transfer is repeated.
using Source = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte>)>;
/// Bytes transferred so far.
using Progress = std::function<void(std::uint64_t bytes)>;

/// One more connection that may be used now; null when there is none to spare. Holding it is having
/// it.
using SpareConnection = std::function<std::shared_ptr<void>()>;

struct FetchedManifest {
    oci::Descriptor descriptor;
    std::string bytes;  // empty for resolve()
};

/// How a push of one blob went.
enum class PushOutcome { Pushed, Existed, Mounted };

/// One repository on one registry, with the session (tokens, connections) that goes with it.
/// Thread-safe. distribution-spec v1.1.
class Repository {
public:
    ~Repository();
    /// The descriptor that a tag or digest names: NotFound, Unauthenticated, PermissionDenied,
    /// Unavailable.
    Result<oci::Descriptor> resolve(const std::string& tag_or_digest, std::stop_token stop);
    /// The manifest or index with its exact bytes, verified when a digest was asked for.
    Result<FetchedManifest> fetch_manifest(const std::string& tag_or_digest, std::stop_token stop);
    /// Streams a blob from `offset` on. A cut connection is resumed with a range request. The bytes
    /// are not verified here: whoever stores them does. Of a large blob several parts travel at a
    /// time, as far as there are connections to spare; `sink` gets them in order, in this thread.
    Result<> fetch_blob(const oci::Descriptor& blob, std::uint64_t offset, const Sink& sink,
                        std::stop_token stop, const SpareConnection& spare = {});
    Result<bool> has_blob(const oci::Digest& digest, std::stop_token stop);
    /// Uploads unless it is there, or can be mounted from one of the repositories of the same
    /// registry.
    Result<PushOutcome> push_blob(const oci::Descriptor& blob, const Source& source,
                                  const std::vector<std::string>& mount_from,
                                  const Progress& progress, std::stop_token stop);
    /// Uploads a manifest under a tag or digest.
    Result<> push_manifest(const std::string& tag_or_digest, const std::string& media_type,
                           const std::string& bytes, std::stop_token stop);
    Result<std::vector<std::string>> tags(std::stop_token stop);
    const oci::Reference& name() const;

private:
    friend class Registries;
    class Session;
    explicit Repository(std::unique_ptr<Session> session);
    std::unique_ptr<Session> session_;
};

/// What a session may do.
enum class Access { Pull, PullAndPush };

/// All registries as seen from here. Thread-safe; keeps connections for reuse.
class Registries {
public:
    static Result<std::unique_ptr<Registries>> create(HostOptions options);
    ~Registries();
    Result<std::unique_ptr<Repository>> open(const oci::Reference& name, Access access,
                                             CredentialsProvider credentials);
    /// Checks credentials as `login` does. Returns an identity token when the registry gave one,
    /// else "".
    Result<std::string> login(const std::string& host, const Credentials& credentials,
                              std::stop_token stop);
    /// What a registry's search service (Docker's v1 API; docker.io or "host/term") finds.
    struct Found {
        std::string name, description;
        std::int64_t stars = 0;
        bool is_official = false;
    };
    Result<std::vector<Found>> search(const std::string& term, int limit, std::stop_token stop);
    /// Which hosts are spoken to without TLS, and which mirrors are asked first, from now on. What
    /// runs already goes on as it began.
    void reconfigure(std::vector<std::string> insecure, std::vector<std::string> mirrors);

private:
    class Implementation;
    explicit Registries(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::remote
