#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "client/stream.h"
#include "sys/terminal.h"

namespace berth::cli {

struct RelayOptions {
    bool tty = false;
    bool stdin_wanted = false;
    /// Signals that we get go to the container.
    bool forward_signals = false;
    std::string detach_keys;
    std::function<void(sys::WindowSize)> resize;
    std::function<void(const std::string& signal)> signal;
};

/// GaveUp: the third SIGINT or SIGTERM came, and the container still runs; as with Docker the
/// command ends with 1.
enum class RelayEnd { Ended, Detached, GaveUp };

/// Connects the user's terminal (or pipes) with a container until its output ends or the detach
/// keys are typed. Made before the container starts, so that no signal falls between: the signals
/// to forward are blocked from then on.
class Relay {
public:
    /// Fails with InvalidArgument when a terminal is asked for and standard input is none.
    static Result<Relay> prepare(RelayOptions options);
    Result<RelayEnd> run(client::Session& session);

private:
    Relay(RelayOptions options, sys::Fd signals)
        : options_(std::move(options)), signals_(std::move(signals)) {}
    RelayOptions options_;
    sys::Fd signals_;
};

/// What the command exits with when it leaves the container running, having said so.
int leave(const Context& context, RelayEnd end);

/// The size of our terminal; nullopt when standard output is none.
std::optional<sys::WindowSize> terminal_size();

}  // namespace berth::cli
