#include "compose/health_board.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "codec/json.h"
#include "compose/labels.h"

namespace berth::compose {

using codec::Json;

namespace {

struct ContainerState {
    std::string status;
    /// "starting", "healthy", "unhealthy"; empty without a health check.
    std::string health;
    std::int64_t exit_code = 0;
    std::optional<Timestamp> started_at;
};

/// A program that cannot run (a wrong flag, a missing file) has mostly ended after this long.
constexpr std::chrono::milliseconds least_run{200};

/// A container that has just started has a check, but no result yet.
bool has_health_check(const Json& inspected) {
    const Json* config = codec::find_member(inspected, "Config");
    const Json* check = config ? codec::find_member(*config, "Healthcheck") : nullptr;
    if (!check) return false;
    const auto test = codec::get_strings(*check, "Test");
    return !test.empty() && test.front() != "NONE";
}

ContainerState read_state(const Json& inspected) {
    ContainerState out;
    const Json* state = codec::find_member(inspected, "State");
    if (!state) return out;
    out.status = codec::get_string(*state, "Status");
    out.exit_code = codec::get_int(*state, "ExitCode");
    out.started_at = parse_rfc3339(codec::get_string(*state, "StartedAt"));
    if (const Json* health = codec::find_member(*state, "Health"))
        out.health = codec::get_string(*health, "Status");
    if (out.health == "none") out.health.clear();
    if (out.health.empty() && has_health_check(inspected)) out.health = "starting";
    return out;
}

/// What is left of `least_run`. At most all of it: the engine may have another clock.
std::chrono::milliseconds time_to_run(Timestamp started_at) {
    const auto ran =
        std::chrono::duration_cast<std::chrono::milliseconds>(SystemClock().now() - started_at);
    return std::clamp(least_run - ran, std::chrono::milliseconds(0), least_run);
}

bool has_ended(const ContainerState& state) {
    return state.status == "exited" || state.status == "dead";
}

Error exited(const std::string& name, const ContainerState& state) {
    return Error(ErrorCode::Conflict, concat("container ", name, " exited (", state.exit_code, ")"))
        .with_hint(concat("see why: berth logs ", name));
}

Error unhealthy(const std::string& name) {
    return Error(ErrorCode::Conflict, concat("container ", name, " is unhealthy"))
        .with_hint(concat(
            "see what its health check says: berth inspect --format '{{json .State.Health}}' ",
            name));
}

}  // namespace

HealthBoard::HealthBoard(const client::Client& client, const std::string& project)
    : client_(client) {
    listener_ = std::jthread([this, project](const std::stop_token& stop) {
        api::Filters filters;
        filters.add("type", "container");
        filters.add("label", concat(label::project, "=", project));
        const auto since =
            std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) - 1;
        auto ended = client_.events(
            std::to_string(since), "", filters,
            [&](const Json& event) -> Result<> {
                const Json* actor = codec::find_member(event, "Actor");
                if (actor) {
                    ++board_.lock()->versions[codec::get_string(*actor, "ID")];
                    board_.notify_all();
                }
                return {};
            },
            stop);
        if (stop.stop_requested()) return;
        std::move(ended).ignore("the waiters learn that the stream is over, whatever the reason");
        board_.lock()->is_lost = true;
        board_.notify_all();
    });
}

HealthBoard::~HealthBoard() = default;

template <typename Check>
Result<> HealthBoard::wait(const std::string& id, const std::stop_token& stop, Check check) {
    for (;;) {
        const std::uint64_t seen = board_.lock()->versions[id];
        const Json inspected = TRY(client_.inspect_container(id));
        if (TRY(check(read_state(inspected)))) return {};
        auto board = board_.lock();
        if (board->is_lost)
            return fail(ErrorCode::Unavailable, "the engine ended the stream of events");
        if (!board.wait(stop, [&](Board& b) { return b.is_lost || b.versions[id] != seen; })) {
            return fail(ErrorCode::Cancelled, "interrupted");
        }
    }
}

Result<> HealthBoard::wait_for(const std::string& id, const std::string& name, Condition condition,
                               const std::stop_token& stop) {
    return wait(id, stop, [&](const ContainerState& state) -> Result<bool> {
        switch (condition) {
            case Condition::Started: return !state.status.empty() && state.status != "created";
            case Condition::Healthy:
                if (has_ended(state)) return exited(name, state);
                if (state.health == "unhealthy") return unhealthy(name);
                if (state.health.empty() && state.status == "running") {
                    return Error(ErrorCode::Conflict,
                                 concat("container ", name, " has no health check to wait for"))
                        .with_hint(
                            "add a healthcheck to the service, or HEALTHCHECK to its Dockerfile");
                }
                return state.health == "healthy";
            case Condition::CompletedSuccessfully:
                if (!has_ended(state)) return false;
                if (state.exit_code != 0) return exited(name, state);
                return true;
        }
        return false;
    });
}

Result<> HealthBoard::wait_until_up(const std::string& id, const std::string& name,
                                    const std::stop_token& stop) {
    std::chrono::milliseconds still_to_run{0};
    const auto check = [&](const ContainerState& state) -> Result<bool> {
        still_to_run = {};
        if (has_ended(state)) {
            if (state.exit_code != 0) return exited(name, state);
            return true;
        }
        if (state.health == "unhealthy") return unhealthy(name);
        if (!state.health.empty()) return state.health == "healthy";
        if (state.status != "running") return false;
        if (state.started_at) still_to_run = time_to_run(*state.started_at);
        return true;
    };
    TRY(wait(id, stop, check));
    if (still_to_run == still_to_run.zero()) return {};
    // Nothing but time says of a container without a health check that it stays.
    std::this_thread::sleep_for(still_to_run);
    return wait(id, stop, check);
}

}  // namespace berth::compose
