#include <signal.h>

#include "container/implementation_internal.h"
#include "sys/signal.h"

namespace berth::container {
namespace {

Result<int> parse_signal(const std::string& text) {
    const auto number = sys::parse_signal(text);
    if (!number || *number <= 0) return fail(ErrorCode::InvalidArgument, "invalid signal: ", text);
    return *number;
}

Error not_running(Container& container) {
    return fail(ErrorCode::Conflict, "container ", container.id, " is not running");
}

Error cannot_kill(const Container& container) {
    return fail(ErrorCode::Conflict, "cannot kill container: ", container.id, ": container ",
                container.id, " is not running");
}

}  // namespace

Result<bool> Containers::Implementation::stop(Container& container, std::optional<int> timeout,
                                              const std::string& signal, std::stop_token stop) {
    const auto spec = container.spec();
    const std::string wanted = !signal.empty()              ? signal
                               : !spec->stop_signal.empty() ? spec->stop_signal
                                                            : "SIGTERM";
    const int number = TRY(parse_signal(wanted));
    const int seconds =
        timeout.value_or(spec->stop_timeout.value_or(settings_.default_stop_timeout));
    std::uint64_t exits = 0;
    {
        const std::lock_guard operation(container.operation);
        const auto client = container.shim();
        if (!client || !is_alive(container.state().status)) return false;
        exits = container.live.lock()->exits;
        auto asked = client->ask(
            shim::Stop{.signal = number, .timeout = std::int64_t{seconds} * 1'000'000'000});
        // It may have ended in this moment; then the wait below returns at once.
        if (!asked && !asked.error().is(ErrorCode::Conflict) &&
            !asked.error().is(ErrorCode::Unavailable))
            return std::move(asked).error();
        emit(container, "kill", {{"signal", std::to_string(number)}});
    }
    auto live = container.live.lock();
    const bool ended = live.wait(stop, [&](const Live& now) {
        return now.exits > exits || now.removed || !is_alive(now.state.status);
    });
    if (!ended)
        return fail(ErrorCode::Cancelled, "gave up waiting for container ", container.id,
                    " to stop");
    return true;
}

Result<> Containers::Implementation::kill(Container& container, const std::string& signal) {
    const int number = TRY(parse_signal(signal.empty() ? "SIGKILL" : signal));
    const std::lock_guard operation(container.operation);
    const auto client = container.shim();
    const State state = container.state();
    if (!client || !is_alive(state.status)) return cannot_kill(container);
    const auto spec = container.spec();
    const auto stop_signal =
        sys::parse_signal(spec->stop_signal.empty() ? "SIGTERM" : spec->stop_signal);
    const bool manual = number == SIGKILL || (stop_signal && number == *stop_signal);
    auto asked = client->ask(shim::Signal{.signal = number, .manual_stop = manual});
    // The container has ended in this moment, and its shim with it; the engine is about to hear of
    // it.
    if (!asked && asked.error().is(ErrorCode::Unavailable)) return cannot_kill(container);
    TRY(std::move(asked));
    if (state.status == Status::Paused && number == SIGKILL) {
        auto live = container.live.lock();
        if (live->state.status == Status::Paused) live->state.status = Status::Running;
    }
    emit(container, "kill", {{"signal", std::to_string(number)}});
    return {};
}

Result<bool> Containers::start(std::string_view key, std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    auto started = implementation_->start(*container, stop);
    // A client that started it with --rm waits for its removal, although it never ran.
    if (started.is_error() && container->spec()->host.auto_remove &&
        !is_alive(container->state().status))
        implementation_->remove(container, {.force = true, .volumes = true}, {})
            .ignore("the start's error matters more");
    return started;
}

Result<bool> Containers::stop(std::string_view key, std::optional<int> timeout,
                              const std::string& signal, std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    return implementation_->stop(*container, timeout, signal, stop);
}

Result<> Containers::restart(std::string_view key, std::optional<int> timeout,
                             const std::string& signal, std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    TRY(implementation_->stop(*container, timeout, signal, stop));
    TRY(implementation_->start(*container, stop));
    implementation_->emit(*container, "restart");
    return {};
}

Result<> Containers::kill(std::string_view key, const std::string& signal) {
    const ContainerPtr container = TRY(implementation_->find(key));
    TRY(implementation_->kill(*container, signal));
    if (!signal.empty() && sys::parse_signal(signal).value_or(0) != SIGKILL) return {};
    // It cannot live on: what comes next may count on its end, as with Docker. In an
    // uninterruptible sleep it still can.
    auto live = container->live.lock();
    live.wait_for(std::stop_token(), std::chrono::seconds(10),
                  [](const Live& now) { return now.removed || !is_alive(now.state.status); });
    return {};
}

Result<> Containers::pause(std::string_view key) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const std::lock_guard operation(container->operation);
    const State state = container->state();
    if (state.status == Status::Paused)
        return fail(ErrorCode::Conflict, "Container ", container->id, " is already paused");
    if (state.status == Status::Restarting)
        return fail(ErrorCode::Conflict, "Container ", container->id,
                    " is restarting, wait until the container is running");
    const auto client = container->shim();
    if (!client || state.status != Status::Running) return not_running(*container);
    TRY(client->ask(shim::Pause{}).context("cannot pause container ", container->id));
    container->live.lock()->state.status = Status::Paused;
    container->live.notify_all();
    TRY(implementation_->save_state(*container));
    implementation_->emit(*container, "pause");
    return {};
}

Result<> Containers::unpause(std::string_view key) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const std::lock_guard operation(container->operation);
    const auto client = container->shim();
    if (!client || container->state().status != Status::Paused)
        return fail(ErrorCode::Conflict, "Container ", container->id, " is not paused");
    TRY(client->ask(shim::Resume{}).context("cannot unpause container ", container->id));
    container->live.lock()->state.status = Status::Running;
    container->live.notify_all();
    TRY(implementation_->save_state(*container));
    implementation_->emit(*container, "unpause");
    return {};
}

Result<WaitResult> Containers::wait(std::string_view key, WaitCondition condition,
                                    const std::function<void()>& waiting, std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    std::uint64_t exits = container->live.lock()->exits;
    if (waiting) waiting();
    auto live = container->live.lock();
    const bool met = live.wait(stop, [&](const Live& now) {
        if (now.removed) return true;
        switch (condition) {
            case WaitCondition::NotRunning: return !is_alive(now.state.status);
            case WaitCondition::NextExit: return now.exits > exits;
            case WaitCondition::Removed: return false;
        }
        return false;
    });
    if (!met) return fail(ErrorCode::Cancelled, "gave up waiting for container ", container->id);
    return WaitResult{.exit_code = live->state.exit_code, .error = live->state.error};
}

}  // namespace berth::container
