#include <algorithm>

#include "remote/session_internal.h"

namespace berth::remote {

Result<HostAddress> Addresses::find(const std::string& host, http::Transfers& transfers,
                                    const std::stop_token& stop) {
    {
        auto known = known_.lock();
        if (const auto it = known->find(host); it != known->end()) return it->second;
    }
    const auto candidates = TRY(addresses_of(host, options_));
    Result<HostAddress> found = fail(ErrorCode::Unavailable, "no address for ", host);
    for (const auto& candidate : candidates) {
        http::TransferRequest ping{.url = candidate.base + "/v2/", .tls = candidate.tls};
        ping.follow_redirects = false;
        auto answer = transfers.perform(std::move(ping), stop);
        // What must stand in the error is why the first, the usual one, did not work, unless nobody
        // listens at all.
        if (!answer &&
            (&candidate == &candidates.front() || answer.error().is(ErrorCode::Cancelled)))
            found = std::move(answer).error();
        if (answer) {
            found = candidate;
            (*known_.lock())[host] = candidate;
            break;
        }
    }
    return found;
}

std::string HostSession::current_authorization() {
    auto authorization = authorization_.lock();
    if (authorization->expires <= std::chrono::steady_clock::now()) return {};
    return authorization->header;
}

void HostSession::add_scope(std::string scope) {
    if (!scopes_.lock()->insert(std::move(scope)).second) return;
    *authorization_.lock() = {};  // the token at hand does not cover it
}

Result<http::TransferResponse> HostSession::call_once(http::TransferRequest request,
                                                      const std::string& path,
                                                      const std::stop_token& stop,
                                                      std::set<int> accept) {
    request.url = path.starts_with('/')
                      ? address_.base + (address_.has_own_path ? path.substr(3) : path)
                      : path;
    if (!address_.origin.empty())
        request.url +=
            concat(path.find('?') == std::string::npos ? "?" : "&", "ns=", address_.origin);
    for (const auto& [name, value] : address_.headers.fields()) request.headers.set(name, value);
    request.tls = address_.tls;
    const bool is_ours = request.url.starts_with(address_.base + "/");
    const auto inner = request.on_head;
    request.on_head = [&](int status, const http::Headers& headers) -> Result<> {
        return inner && status < 400 ? inner(status, headers) : Result<>();
    };
    for (int attempt = 0;; ++attempt) {
        http::TransferRequest copy = request;
        if (const std::string value = current_authorization(); !value.empty() && is_ours)
            copy.headers.set("Authorization", value);
        http::TransferResponse response = TRY(transfers_.perform(std::move(copy), stop));
        if (response.status < 400 || accept.contains(response.status)) return response;
        if (response.status != 401 || attempt > 0 || !is_ours) {
            Error error = registry_error(response);
            if (response.status == 401 && !credentials_.is_empty() &&
                error.message() == "unauthorized: authentication required")
                return fail(ErrorCode::Unauthenticated,
                            "unauthorized: incorrect username or password");
            return error;
        }
        TRY(authorize(response.headers, stop));
        if (request.upload && request.rewind && !request.rewind()) return registry_error(response);
    }
}

Result<http::TransferResponse> HostSession::call(http::TransferRequest request,
                                                 const std::string& path,
                                                 const std::stop_token& stop,
                                                 std::set<int> accept) {
    std::set<int> and_busy = accept;
    and_busy.insert({429, 502, 503, 504});
    for (int attempt = 1;; ++attempt) {
        auto response = call_once(request, path, stop, and_busy);
        const bool is_busy =
            response && response->status >= 400 && !accept.contains(response->status);
        const bool may_repeat = is_busy || (!response && is_worth_retrying(response.error()));
        if (!may_repeat) return response;
        if (attempt == max_attempts)
            return is_busy ? Result<http::TransferResponse>(registry_error(*response))
                           : std::move(response);
        TRY(wait_before_retry(retry_delay(response ? &response->headers : nullptr, attempt), stop));
    }
}

std::string HostSession::identity_token() { return authorization_.lock()->identity_token; }

namespace {

std::set<std::string> scopes_for(const oci::Reference& name, Access access) {
    return {concat("repository:", name.path(), access == Access::Pull ? ":pull" : ":pull,push")};
}

}  // namespace

Result<HostSession*> Repository::Session::main(const std::stop_token& stop) {
    if (auto hosts = hosts_.lock(); hosts->main) return hosts->main.get();
    HostAddress address = TRY(addresses->find(name.domain(), transfers, stop));
    auto made = std::make_unique<HostSession>(
        transfers, std::move(address), credentials_for(name.domain()), scopes_for(name, access));
    auto hosts = hosts_.lock();
    if (!hosts->main) hosts->main = std::move(made);
    return hosts->main.get();
}

Result<std::vector<HostSession*>> Repository::Session::readers(Reading what,
                                                               const std::stop_token& stop) {
    std::vector<HostSession*> out;
    if (access == Access::Pull) {
        auto config = TRY(config_of(name.domain(), options));
        auto hosts = hosts_.lock();
        if (!std::exchange(hosts->mirrors_made, true)) {
            for (auto& mirror : config.mirrors) {
                const std::string& base = mirror.address.base;
                const auto start = base.find("//") + 2;
                // Credentials are those for the mirror's own host, never the registry's.
                auto session = std::make_unique<HostSession>(
                    transfers, mirror.address,
                    credentials_for(base.substr(start, base.find('/', start) - start)),
                    scopes_for(name, access));
                hosts->mirrors.push_back({std::move(mirror), std::move(session)});
            }
        }
        for (const auto& [mirror, session] : hosts->mirrors) {
            const bool can = what == Reading::Manifests ? mirror.can_resolve : mirror.can_pull;
            if (can && !hosts->failed.contains(session.get())) out.push_back(session.get());
        }
    }
    auto itself = main(stop);
    if (!itself && out.empty()) return std::move(itself).error();
    if (itself) out.push_back(*itself);
    return out;
}

void Repository::Session::give_up(HostSession* mirror) {
    auto hosts = hosts_.lock();
    if (hosts->main.get() != mirror) hosts->failed.insert(mirror);
}

}  // namespace berth::remote
