#include "cli/container/relay.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "cli/container/detach_keys.h"
#include "sys/epoll.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/signal.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::cli {

namespace {

// A process 1 without a handler does not see SIGINT and SIGTERM at all: whoever insists gets out.
constexpr int endings_to_give_up = 3;

enum Tag : std::uint64_t { FromSession, FromInput, FromSignals };

// One running relay. Input is only read while none of it waits to be sent, and sending never
// blocks: a container that does not read its input while it floods us with output would otherwise
// block both sides for good.
class Pump {
public:
    Pump(const RelayOptions& options, client::Session& session, sys::BorrowedFd signals,
         DetachKeys keys)
        : options_(options), session_(session), signals_(signals), keys_(std::move(keys)) {}

    Result<RelayEnd> run() {
        auto poller = TRY(sys::Epoll::create());
        TRY(poller.add(session_.fd(), EPOLLIN, FromSession));
        TRY(poller.add(signals_, EPOLLIN, FromSignals));
        if (options_.stdin_wanted) {
            // A regular file cannot be waited for; it can always be read.
            input_is_pollable_ = static_cast<bool>(poller.add(STDIN_FILENO, EPOLLIN, FromInput));
            input_open_ = true;
        }
        while (session_.has_buffered()) TRY(session_.receive(sink()));
        while (true) {
            if (keys_.is_complete()) return RelayEnd::Detached;
            TRY(arrange(poller));
            std::array<epoll_event, 4> events;
            const bool is_eager = input_open_ && !input_is_pollable_ && pending_.empty();
            std::optional<std::chrono::milliseconds> limit;
            if (is_eager) limit = std::chrono::milliseconds(0);
            const std::size_t count = TRY(poller.wait(events, limit));
            bool session_ended = false;
            for (std::size_t i = 0; i < count; ++i) {
                if (events[i].data.u64 == FromSignals) TRY(take_signals());
                if (events[i].data.u64 == FromInput) TRY(take_input());
                if (events[i].data.u64 == FromSession)
                    session_ended = TRY(serve_session(events[i].events));
            }
            if (endings_ >= endings_to_give_up && !session_ended) return RelayEnd::GaveUp;
            if (session_ended) return RelayEnd::Ended;
            if (is_eager) TRY(take_input());
        }
    }

private:
    client::OutputSink sink() const {
        return [](api::Stream stream, std::string_view bytes) -> Result<> {
            return sys::write_all(stream == api::Stream::Stderr ? STDERR_FILENO : STDOUT_FILENO,
                                  bytes);
        };
    }

    // Says what to wait for: room to send while something is pending, input otherwise.
    Result<> arrange(sys::Epoll& poller) {
        const std::uint32_t wanted = pending_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
        if (wanted != session_events_) TRY(poller.modify(session_.fd(), wanted, FromSession));
        session_events_ = wanted;
        if (!input_is_pollable_) return {};
        const bool wants_input = input_open_ && pending_.empty();
        if (wants_input == input_armed_) return {};
        input_armed_ = wants_input;
        if (!input_open_) {
            poller.remove(STDIN_FILENO).ignore("it may be closed");
            input_is_pollable_ = false;
            return {};
        }
        return poller.modify(STDIN_FILENO, wants_input ? std::uint32_t{EPOLLIN} : 0U, FromInput);
    }

    Result<bool> serve_session(std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) TRY(flush());
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return false;
        auto goes_on = session_.receive(sink());
        // The engine was killed or cut us off: what the container does is told by the wait.
        if (!goes_on && goes_on.error().error_number() == ECONNRESET) return true;
        return !TRY(std::move(goes_on));
    }

    Result<> take_input() {
        std::array<std::byte, 32 << 10> buffer;
        auto count = sys::read(STDIN_FILENO, buffer);
        if (!count || *count == 0) {
            input_open_ = false;
            if (pending_.empty())
                session_.close_input().ignore("the other side may be gone already");
            return {};
        }
        const auto typed = as_text(std::span(buffer).first(*count));
        pending_ = options_.tty ? keys_.filter(typed) : std::string(typed);
        return flush();
    }

    Result<> flush() {
        while (!pending_.empty()) {
            const auto sent = sys::send_some(session_.fd(), as_bytes(pending_));
            if (sent.ended) {
                pending_.clear();
                input_open_ = false;
                return {};
            }
            pending_.erase(0, sent.bytes);
            if (sent.blocked) return {};
        }
        if (!input_open_) session_.close_input().ignore("the other side may be gone already");
        return {};
    }

    Result<> take_signals() {
        while (auto info = TRY(sys::read_signal(signals_))) {
            const int number = static_cast<int>(info->ssi_signo);
            if (number == SIGINT || number == SIGTERM) ++endings_;
            if (number == SIGWINCH) {
                if (const auto size = terminal_size(); size && options_.resize)
                    options_.resize(*size);
            } else if (options_.signal) {
                options_.signal(sys::signal_name(number));
            }
        }
        return {};
    }

    const RelayOptions& options_;
    client::Session& session_;
    sys::BorrowedFd signals_;
    DetachKeys keys_;
    std::string pending_;
    std::uint32_t session_events_ = EPOLLIN;
    int endings_ = 0;
    bool input_open_ = false;
    bool input_is_pollable_ = false;
    bool input_armed_ = true;
};

}  // namespace

std::optional<sys::WindowSize> terminal_size() {
    if (!sys::is_terminal(STDOUT_FILENO)) return std::nullopt;
    auto size = sys::window_size(STDOUT_FILENO);
    if (!size) return std::nullopt;
    return *size;
}

int leave(const Context& context, RelayEnd end) {
    if (end == RelayEnd::Detached) return 0;
    context.note(concat("\ngot ", endings_to_give_up,
                        " SIGTERM/SIGINTs, leaving; what was started goes on running\n"));
    return 1;
}

Result<Relay> Relay::prepare(RelayOptions options) {
    if (options.tty && options.stdin_wanted && !sys::is_terminal(STDIN_FILENO)) {
        return fail(ErrorCode::InvalidArgument, "the input device is not a TTY")
            .with_hint("leave -t out when input comes from a file or a pipe");
    }
    TRY(DetachKeys::parse(options.detach_keys));
    sys::Fd signals;
    if (options.forward_signals) {
        signals = TRY(sys::block_and_open_signalfd(
            {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM}));
    } else {
        signals = TRY(sys::block_and_open_signalfd({SIGWINCH}));
    }
    return Relay(std::move(options), std::move(signals));
}

Result<RelayEnd> Relay::run(client::Session& session) {
    std::optional<sys::RawMode> raw;
    if (options_.tty && options_.stdin_wanted) raw.emplace(TRY(sys::RawMode::enter(STDIN_FILENO)));
    auto keys = TRY(DetachKeys::parse(options_.detach_keys));
    return Pump(options_, session, signals_, std::move(keys)).run();
}

}  // namespace berth::cli
