#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/version.h"
#include "base/result.h"
#include "client/client.h"
#include "codec/json.h"
#include "http/connection.h"
#include "http/query.h"

namespace berth::client {

/// One call as the verbs describe it. The path is without the version.
struct Call {
    std::string method = "GET";
    std::string path;
    Query query;
    std::string json_body;  ///< with Content-Type application/json
    BytesSource tar_body;   ///< with Content-Type application/x-tar
    Headers headers;
    bool upgrade = false;
};

/// The engine's address and the version agreed on, and the few ways in which answers are read.
class Transport {
public:
    Transport(http::Connection connection, api::ApiVersion version)
        : connection_(std::move(connection)), version_(version) {}

    const http::Endpoint& endpoint() const { return connection_.endpoint(); }
    api::ApiVersion version() const { return version_; }
    void set_version(api::ApiVersion version) { version_ = version; }

    /// The response's head, or the engine's error when its status is 400 or more.
    Result<http::ClientResponse> send(Call call, const std::stop_token& stop = {});
    Result<std::string> text(Call call, const std::stop_token& stop = {});
    /// The body as JSON; null for an empty one.
    Result<codec::Json> json(Call call, const std::stop_token& stop = {});
    Result<> done(Call call, const std::stop_token& stop = {});
    Result<> bytes(Call call, const BytesSink& sink, const std::stop_token& stop);
    /// Each line of the body.
    Result<> lines(Call call, const BytesSink& sink, const std::stop_token& stop);
    /// A stream of progress messages; an error line ends it as an error.
    Result<> progress(Call call, const ProgressSink& sink, const std::stop_token& stop);
    Result<> documents(Call call, const JsonSink& sink, const std::stop_token& stop);
    Result<Session> hijack(Call call);

private:
    http::Connection connection_;
    api::ApiVersion version_;
};

/// "/containers/NAME/start", the name escaped but for the characters of image references.
std::string path_of(std::string_view head, std::string_view name, std::string_view tail = {});
/// Adds a parameter unless its value is empty.
void add_text(Query& query, std::string_view name, std::string_view value);
void add_flag(Query& query, std::string_view name, bool value);
void add_filters(Query& query, const api::Filters& filters);

}  // namespace berth::client
