#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/filters.h"
#include "api/version.h"
#include "base/result.h"
#include "codec/json.h"
#include "engine/engine.h"
#include "http/server.h"

namespace berth::daemon {

/// One request on its way through a handler: what was asked, in which version, and how to answer.
class Call {
public:
    Call(engine::Engine& engine_, http::Request& request_, http::Response& response_,
         api::ApiVersion version_, std::vector<std::pair<std::string, std::string>> parameters)
        : engine(engine_),
          request(request_),
          response(response_),
          version(version_),
          parameters_(std::move(parameters)) {}

    engine::Engine& engine;
    http::Request& request;
    http::Response& response;
    const api::ApiVersion version;

    /// A part of the path that the route names, such as "id".
    const std::string& parameter(std::string_view name) const;
    std::string query(std::string_view name) const { return request.query.get(name); }
    bool flag(std::string_view name, bool fallback = false) const {
        return request.query.flag(name, fallback);
    }
    /// Whether the client speaks 1.`minor` or newer.
    bool is_at_least(int minor) const { return version >= api::ApiVersion{1, minor}; }
    std::stop_token stop() const { return request.stop_token(); }

    /// The whole body; InvalidArgument above `limit` bytes.
    Result<std::string> body(std::size_t limit = 4 << 20) { return request.read_all(limit); }
    /// The filters of the query; InvalidArgument for keys that are not accepted.
    Result<api::Filters> filters(std::initializer_list<std::string_view> accepted) const;

    Result<> send(const codec::Json& json, int status = 200);
    Result<> send_text(std::string_view text, int status = 200);
    /// A status alone: 204, 304, 201.
    Result<> send_status(int status);

private:
    std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace berth::daemon
