#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "client/client.h"
#include "compose/project.h"

namespace berth::compose {

/// Waits for conditions of containers by events, never by polling: one subscription for a project's
/// containers bumps a counter for each of them, and whoever waits looks again when its container's
/// counter moves.
class HealthBoard {
public:
    /// Subscribes. Events of the last second are replayed, so that nothing between a start and the
    /// subscription is lost.
    HealthBoard(const client::Client& client, const std::string& project);
    ~HealthBoard();

    /// Waits until the container meets `condition`. Conflict when it cannot any more: unhealthy,
    /// exited, or without a health check to wait for. `name` is for the message.
    Result<> wait_for(const std::string& id, const std::string& name, Condition condition,
                      const std::stop_token& stop);
    /// Waits until the container is up as well as it can be: healthy with a health check, running
    /// for a fifth of a second without, or exited with 0.
    Result<> wait_until_up(const std::string& id, const std::string& name,
                           const std::stop_token& stop);

private:
    struct Board {
        std::map<std::string, std::uint64_t> versions;
        /// Set when the subscription broke: waiting would be for ever.
        bool is_lost = false;
    };
    template <typename Check>
    Result<> wait(const std::string& id, const std::stop_token& stop, Check check);

    const client::Client& client_;
    Guarded<Board> board_;
    std::jthread listener_;
};

}  // namespace berth::compose
