#pragma once
#include <atomic>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "engine/host.h"
#include "engine/reload.h"
#include "record/schema.h"

namespace berth::record {
class Database;
class EventLog;
}  // namespace berth::record
namespace berth::content {
class Store;
}
namespace berth::snapshot {
class Driver;
}
namespace berth::remote {
class Registries;
}
namespace berth::image {
class Store;
}
namespace berth::network {
class Manager;
}
namespace berth::volume {
class Store;
}
namespace berth::container {
class Containers;
}
namespace berth::build {
class Builder;
}

namespace berth::engine {

/// The stores of one engine, as apps/berthd.cpp built them, and what the request handlers need
/// beside them. It delegates: what is done to containers, images, networks and volumes is done by
/// their modules.
struct Engine {
    const Clock& clock;
    const LiveConfiguration& configuration;
    const Host& host;
    std::string id;  // a UUID that stays with the data root
    Timestamp started_at;
    record::Database& database;
    record::EventLog& events;
    content::Store& content;
    snapshot::Driver& snapshots;
    remote::Registries& registries;
    image::Store& images;
    network::Manager& networks;
    volume::Store& volumes;
    container::Containers& containers;
    build::Builder& builder;
};

/// The table of the engine itself: a few named texts.
const record::Schema& schema();
/// The engine's id, made on the first start.
Result<std::string> load_or_make_id(record::Database& database);

/// One prune of a kind at a time, as Docker has it: constructing a second guard for the same flag
/// fails with Conflict.
class PruneGuard {
public:
    static Result<PruneGuard> acquire(std::atomic<bool>& busy);
    PruneGuard(PruneGuard&& other) noexcept : busy_(std::exchange(other.busy_, nullptr)) {}
    ~PruneGuard() {
        if (busy_) *busy_ = false;
    }

private:
    explicit PruneGuard(std::atomic<bool>& busy) : busy_(&busy) {}
    std::atomic<bool>* busy_;
};

}  // namespace berth::engine
