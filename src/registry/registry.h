#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"

namespace berth::registry {

struct RegistryOptions {
    std::string root;           // blobs, database
    std::string htpasswd_file;  // empty: everyone may do everything
    bool read_only = false;
};

/// A registry as the OCI distribution specification v1.1 wants it, as a handler for http::Server.
/// Thread-safe.
class Registry {
public:
    /// Conflict when another process uses the directory.
    static Result<std::unique_ptr<Registry>> open(const RegistryOptions& options,
                                                  const Clock& clock);
    ~Registry();
    void handle(http::Request& request, http::Response& response);

private:
    class Implementation;
    explicit Registry(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::registry
