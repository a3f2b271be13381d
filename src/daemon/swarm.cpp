#include "daemon/call.h"
#include "daemon/handlers.h"

namespace berth::daemon {

// What Docker answers while Swarm mode is off, which clients know how to take.
Result<> refuse_swarm(Call&) {
    return fail(
        ErrorCode::Unavailable,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to "
        "connect this node "
        "to swarm and try again.");
}

Result<> list_plugins(Call& call) { return call.send(codec::Json::array()); }

}  // namespace berth::daemon
