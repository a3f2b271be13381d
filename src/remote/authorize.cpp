#include "codec/base64.h"
#include "codec/json.h"
#include "remote/session_internal.h"

// distribution's "Token Authentication Specification" and "OAuth2 Token Authentication".
namespace berth::remote {

namespace {

std::string basic(const Credentials& credentials) {
    return "Basic " + codec::encode_base64(credentials.username + ":" + credentials.password);
}

const Challenge* find_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
    for (const auto& challenge : challenges)
        if (challenge.scheme == scheme) return &challenge;
    return nullptr;
}

constexpr std::string_view client_id = "berth";

}  // namespace

Result<> HostSession::authorize(const http::Headers& refusal, const std::stop_token& stop) {
    std::vector<Challenge> challenges;
    for (const auto value : refusal.all("WWW-Authenticate"))
        for (auto& challenge : parse_challenges(value)) challenges.push_back(std::move(challenge));
    Authorization next;
    next.expires = std::chrono::steady_clock::time_point::max();
    if (const Challenge* bearer = find_scheme(challenges, "bearer")) {
        next = TRY(fetch_token(*bearer, stop));
    } else if (find_scheme(challenges, "basic") != nullptr) {
        if (credentials_.username.empty())
            return fail(ErrorCode::Unauthenticated, "no basic auth credentials")
                .with_hint(concat("log in first: berth login ",
                                  address_.base.substr(address_.base.find("://") + 3)));
        next.header = basic(credentials_);
    } else {
        return fail(ErrorCode::Unauthenticated,
                    "the registry offers no way to authenticate that is understood");
    }
    *authorization_.lock() = std::move(next);
    return {};
}

Result<HostSession::Authorization> HostSession::fetch_token(const Challenge& challenge,
                                                            const std::stop_token& stop) {
    Authorization out;
    if (!credentials_.registry_token.empty()) {
        out.header = "Bearer " + credentials_.registry_token;
        out.expires = std::chrono::steady_clock::time_point::max();
        return out;
    }
    const std::string realm = challenge.get("realm");
    const bool is_secret = !credentials_.is_empty();
    if (!realm.starts_with("https://") && !realm.starts_with("http://"))
        return fail(ErrorCode::Unauthenticated, "the registry names an invalid token server: \"",
                    realm, "\"");
    if (is_secret && realm.starts_with("http://") && address_.base.starts_with("https://") &&
        address_.tls.verify)
        return fail(ErrorCode::Unauthenticated, "refusing to send credentials to ", realm,
                    ", which is not encrypted");
    std::set<std::string> scopes = *scopes_.lock();
    for (const auto& scope : split(challenge.get("scope"), ' '))
        if (!scope.empty()) scopes.insert(scope);

    http::Query query;
    if (const auto service = challenge.get("service"); !service.empty())
        query.add("service", service);
    http::TransferRequest request{.url = realm};
    request.tls.verify = address_.tls.verify;
    request.tls.extra_ca_pem = address_.tls.extra_ca_pem;
    if (!credentials_.identity_token.empty()) {
        query.add("grant_type", "refresh_token");
        query.add("refresh_token", credentials_.identity_token);
        query.add("client_id", client_id);
        query.add("access_type", "offline");
        query.add("scope", join(std::vector<std::string>(scopes.begin(), scopes.end()), " "));
        request.method = "POST";
        request.headers.set("Content-Type", "application/x-www-form-urlencoded");
        request.body = query.to_string();
    } else {
        for (const auto& scope : scopes) query.add("scope", scope);
        if (!credentials_.username.empty()) {
            query.add("account", credentials_.username);
            request.headers.set("Authorization", basic(credentials_));
        }
        if (wants_identity_token_) {
            query.add("client_id", client_id);
            query.add("offline_token", "true");
        }
        request.url += (realm.find('?') == std::string::npos ? "?" : "&") + query.to_string();
    }
    const http::TransferResponse response =
        TRY(transfers_.perform(std::move(request), stop).context("token server ", realm));
    if (response.status == 401 || (response.status == 400 && is_secret))
        return fail(ErrorCode::Unauthenticated, "unauthorized: incorrect username or password");
    if (response.status != 200)
        return registry_error(response).with_context(concat("token server ", realm));
    const auto document = TRY(codec::parse_json(response.body).context("token server ", realm));
    std::string token = codec::get_string(document, "token");
    if (token.empty()) token = codec::get_string(document, "access_token");
    if (token.empty())
        return fail(ErrorCode::Unauthenticated, "token server ", realm,
                    ": the answer holds no token");
    out.header = "Bearer " + token;
    out.identity_token = codec::get_string(document, "refresh_token");
    const auto lifetime = std::max<std::int64_t>(codec::get_int(document, "expires_in", 60), 60);
    out.expires = std::chrono::steady_clock::now() + std::chrono::seconds(lifetime - 10);
    return out;
}

}  // namespace berth::remote
