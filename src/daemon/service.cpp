#include "daemon/service.h"

#include "api/error.h"
#include "base/log.h"
#include "daemon/call.h"
#include "daemon/routes.h"

namespace berth::daemon {

namespace {
void set_common_headers(http::Response& response) {
    response.headers.set("Api-Version", api::newest_api_version.to_string());
    response.headers.set("Docker-Experimental", "false");
    response.headers.set("Ostype", "linux");
}

void report(const Error& error, const http::Request& request, http::Response& response) {
    if (response.has_started()) {
        // The client has gone, or sees a cut stream; most of these are a closed terminal.
        log.debug("request ended early",
                  {{"method", request.method}, {"path", request.path}, {"error", error.message()}});
        response.abort(error.hint().empty() ? error.message()
                                            : concat(error.message(), "\nhint: ", error.hint()));
        return;
    }
    const int status = api::status_of(error.code());
    if (status >= 500 && !error.is(ErrorCode::Cancelled))
        log.error("request failed",
                  {{"method", request.method}, {"path", request.path}, {"error", error.message()}});
    response.status = status;
    response.send(api::error_body(error), "application/json").ignore("the client has gone");
}
}  // namespace

void Service::handle(http::Request& request, http::Response& response) {
    set_common_headers(response);
    log.debug("request", {{"method", request.method}, {"path", request.path}});
    const auto result = dispatch(request, response);
    if (result.is_error()) report(result.error(), request, response);
}

Result<> Service::dispatch(http::Request& request, http::Response& response) {
    const VersionedPath target = TRY(split_version(request.path));
    if (request.method == "OPTIONS") return response.send("");
    auto match = find_route(routes(), request.method, target.path, target.version);
    if (!match) return fail(ErrorCode::NotFound, "page not found");
    Call call(engine_, request, response, target.version, std::move(match->parameters));
    return match->handler(call);
}

}  // namespace berth::daemon
