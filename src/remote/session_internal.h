#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <set>

#include "base/guarded.h"
#include "http/query.h"
#include "http/transfer.h"
#include "remote/challenge.h"
#include "remote/host_internal.h"
#include "remote/registry.h"

namespace berth::remote {

/// Remembers which of a host's addresses answered, so that only the first request to a host tries
/// several.
class Addresses {
public:
    explicit Addresses(const HostOptions& options) : options_(options) {}
    Result<HostAddress> find(const std::string& host, http::Transfers& transfers,
                             const std::stop_token& stop);

private:
    const HostOptions& options_;
    Guarded<std::map<std::string, HostAddress>> known_;
};

/// Requests to one registry with the credentials of one caller: authenticates by need, repeats what
/// may be repeated.
class HostSession {
public:
    HostSession(http::Transfers& transfers, HostAddress address, Credentials credentials,
                std::set<std::string> scopes)
        : transfers_(transfers),
          address_(std::move(address)),
          credentials_(std::move(credentials)),
          scopes_(std::move(scopes)) {}

    /// `path` starts with "/v2/" or is a whole URL (upload locations). Statuses below 400 are
    /// successes, and those in `accept`; else the registry's own error text with the code of its
    /// status.
    Result<http::TransferResponse> call(http::TransferRequest request, const std::string& path,
                                        const std::stop_token& stop, std::set<int> accept = {});
    /// The same without repeating, for streams: only a 401 is answered with credentials.
    Result<http::TransferResponse> call_once(http::TransferRequest request, const std::string& path,
                                             const std::stop_token& stop,
                                             std::set<int> accept = {});
    void add_scope(std::string scope);
    const HostAddress& address() const { return address_; }
    /// A refresh token that the token server handed out at the last authentication.
    std::string identity_token();
    /// Asks the token server for a refresh token, as login does.
    void want_identity_token() { wants_identity_token_ = true; }

private:
    struct Authorization {
        std::string header;  // value of Authorization
        std::chrono::steady_clock::time_point expires{};
        std::string identity_token;
    };
    Result<> authorize(const http::Headers& refusal, const std::stop_token& stop);
    Result<Authorization> fetch_token(const Challenge& challenge, const std::stop_token& stop);
    std::string current_authorization();

    http::Transfers& transfers_;
    HostAddress address_;
    Credentials credentials_;
    Guarded<std::set<std::string>> scopes_;
    Guarded<Authorization> authorization_;
    bool wants_identity_token_ = false;
};

/// The error that a registry's answer means: its own words ("manifest unknown: manifest unknown")
/// or the status.
Error registry_error(const http::TransferResponse& response);
/// How long to wait before attempt `attempt` (from 1): Retry-After if the server said so, else
/// doubling from 250 ms.
std::chrono::milliseconds retry_delay(const http::Headers* headers, int attempt);
/// Sleeps; Cancelled when stopped.
Result<> wait_before_retry(std::chrono::milliseconds delay, const std::stop_token& stop);
bool is_worth_retrying(const Error& error);

inline constexpr int max_attempts = 5;

class Repository::Session {
public:
    /// `addresses` keeps `options` alive: both belong to one state of the configuration.
    Session(http::Transfers& transfers, std::shared_ptr<Addresses> addresses, oci::Reference name,
            Access access, CredentialsProvider credentials, const HostOptions& options)
        : transfers(transfers),
          addresses(std::move(addresses)),
          name(std::move(name)),
          access(access),
          credentials(std::move(credentials)),
          options(options) {}

    /// The registry itself; connects by need.
    Result<HostSession*> main(const std::stop_token& stop);
    /// Where to read from: mirrors, then the registry. Those that failed before are left out.
    enum class Reading { Manifests, Blobs };
    Result<std::vector<HostSession*>> readers(Reading what, const std::stop_token& stop);
    void give_up(HostSession* mirror);
    std::string path(std::string_view rest) const { return concat("/v2/", name.path(), rest); }

    http::Transfers& transfers;
    const std::shared_ptr<Addresses> addresses;
    const oci::Reference name;
    const Access access;
    const CredentialsProvider credentials;
    const HostOptions& options;

private:
    struct MirrorSession {
        Mirror mirror;
        std::unique_ptr<HostSession> session;
    };
    struct Hosts {
        std::unique_ptr<HostSession> main;
        std::vector<MirrorSession> mirrors;
        std::set<HostSession*> failed;
        bool mirrors_made = false;
    };
    Credentials credentials_for(const std::string& host) const {
        return credentials ? credentials(host) : Credentials();
    }
    Guarded<Hosts> hosts_;
};

}  // namespace berth::remote
