#pragma once
#include "engine/engine.h"
#include "http/server.h"

namespace berth::daemon {

/// The Docker Engine API over one engine: versions, routes, and errors as Docker words them. Its
/// handle() is the handler of an http::Server and may run on any number of threads.
class Service {
public:
    explicit Service(engine::Engine& engine) : engine_(engine) {}
    void handle(http::Request& request, http::Response& response);

private:
    Result<> dispatch(http::Request& request, http::Response& response);
    engine::Engine& engine_;
};

}  // namespace berth::daemon
