#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "codec/json.h"
#include "engine/configuration.h"

namespace berth::engine {

/// The configuration in force. A reload replaces it as a whole; whoever reads it holds one state of
/// it.
class LiveConfiguration {
public:
    explicit LiveConfiguration(Configuration configuration) { replace(std::move(configuration)); }
    std::shared_ptr<const Configuration> get() const { return *now_.lock(); }
    void replace(Configuration configuration) {
        *now_.lock() = std::make_shared<const Configuration>(std::move(configuration));
    }

private:
    mutable Guarded<std::shared_ptr<const Configuration>> now_;
};

/// What reading the configuration file again comes to.
struct Reload {
    codec::Json settings;              // those of before with what can change while the engine runs
    std::vector<std::string> changed;  // keys of what did
    std::vector<std::string> need_restart;  // keys of what differs but waits for the next start
};

/// As dockerd's reload: labels, debugging, registries, transfer limits, limits of space
/// and what becomes of layers' blobs change at once. `now` and `wanted` come from merge_settings().
Reload plan_reload(const codec::Json& now, const codec::Json& wanted);

}  // namespace berth::engine
