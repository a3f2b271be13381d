#include "shim/stdio.h"

#include "sys/file.h"
#include "sys/socket.h"
#include "sys/stream.h"
#include "sys/terminal.h"

namespace berth::shim {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t chunk_bytes = 32 * 1024;
constexpr std::size_t max_stdin_pending = 64 * 1024;
constexpr std::uint64_t max_backlog = 1ull << 30;
// How long a client with a full backlog may take nothing before it is given up.
constexpr auto stall_limit = 60s;
// How long output is read after the process has ended: a grandchild may hold the pipe for ever.
constexpr auto drain_limit = 2s;
// More than a pipe holds; a process that shares the pipe and goes on writing is left to the loop.
constexpr int max_final_reads = 64;

// One for the whole process: there is one thread, and nothing stays in it from call to call.
std::array<std::byte, chunk_bytes> chunk;

std::array<std::byte, 8> frame_header(int stream, std::size_t size) {
    std::array<std::byte, 8> header{};
    header[0] = static_cast<std::byte>(stream);
    for (int i = 0; i < 4; ++i) header[4 + i] = static_cast<std::byte>(size >> (8 * (3 - i)));
    return header;
}

Timestamp now() { return SystemClock().now(); }

}  // namespace

struct Stdio::Client {
    Client(const Attach& request, sys::Fd stream, std::string spill_directory)
        : stream(std::move(stream)),
          keys(request.detach_keys),
          backlog(std::move(spill_directory)),
          wants{false, request.stdout_, request.stderr_},
          multiplex(request.multiplex),
          sends_input(request.stdin_) {}
    sys::Fd stream;
    EventLoop::Id watch = 0;
    DetachKeys keys;
    Backlog backlog;
    std::array<bool, 3> wants;
    bool multiplex;
    bool sends_input;
    bool input_open = true;  // the other side may still send, or tell that it is gone
    bool ending = false;     // goes as soon as its backlog is empty
    SteadyTime last_progress = std::chrono::steady_clock::now();
};

Stdio::Stdio(EventLoop& loop, Options options) : loop_(loop), options_(std::move(options)) {}

Stdio::~Stdio() {
    while (!clients_.empty()) drop(clients_.front());
    close_stdin();
    for (int stream : {1, 2}) loop_.remove(outputs_[stream].watch);
    loop_.cancel(drain_timer_);
    loop_.cancel(stall_timer_);
}

Result<std::array<int, 3>> Stdio::open_pipes() {
    loop_.cancel(drain_timer_);
    for (int stream : {1, 2}) close_output(stream);  // of the run before
    if (options_.tty) return std::array<int, 3>{-1, -1, -1};
    if (options_.wants_stdin) {
        auto [read_end, write_end] = TRY(sys::make_pipe());
        child_ends_[0] = std::move(read_end);
        stdin_ = std::move(write_end);
    }
    for (int stream : {1, 2}) {
        auto [read_end, write_end] = TRY(sys::make_pipe());
        outputs_[stream].fd = std::move(read_end);
        child_ends_[stream] = std::move(write_end);
    }
    return std::array<int, 3>{child_ends_[0].get(), child_ends_[1].get(), child_ends_[2].get()};
}

Result<> Stdio::begin(sys::Fd terminal) {
    for (sys::Fd& end : child_ends_) end.close();
    if (terminal) {
        stdin_ = TRY(sys::duplicate(terminal));
        outputs_[1].fd = std::move(terminal);
    }
    running_ = true;
    ended_ = false;
    for (int stream : {1, 2}) {
        Source& output = outputs_[stream];
        if (!output.fd) continue;
        TRY(sys::set_nonblocking(output.fd));
        output.watch = TRY(
            loop_.add(output.fd, EPOLLIN, [this, stream](std::uint32_t) { on_output(stream); }));
    }
    if (stdin_) {
        TRY(sys::set_nonblocking(stdin_));
        flush_stdin();
    }
    for (Client& client : clients_) update_watch(client);
    return {};
}

void Stdio::abandon() {
    for (sys::Fd& end : child_ends_) end.close();
    close_stdin();
    for (int stream : {1, 2}) close_output(stream);
}

void Stdio::process_ended(bool restarts) {
    running_ = false;
    ended_ = !restarts;
    close_stdin();
    for (int stream : {1, 2}) {
        // Everything written before the end is in the pipe now.
        for (int reads = 0; outputs_[stream].fd && !paused_ && reads < max_final_reads; ++reads) {
            const sys::Transfer got = sys::read_some(outputs_[stream].fd, chunk);
            if (got.blocked) break;
            if (got.bytes == 0) {
                close_output(stream);
                break;
            }
            const auto bytes = std::span<const std::byte>(chunk).first(got.bytes);
            if (options_.log) options_.log->write(stream, as_text(bytes), now());
            for (Client& client : clients_) deliver(client, stream, bytes);
        }
    }
    if (outputs_[1].fd || outputs_[2].fd) {
        drain_timer_ = loop_.after(drain_limit, [this] {
            drain_timer_ = 0;
            for (int stream : {1, 2}) close_output(stream);
            end_clients_if_done();
        });
    }
    end_clients_if_done();
}

bool Stdio::is_idle() const {
    return !running_ && !outputs_[1].fd && !outputs_[2].fd && clients_.empty();
}

void Stdio::on_output(int stream) {
    const sys::Transfer got = sys::read_some(outputs_[stream].fd, chunk);
    if (got.blocked) return;
    if (got.bytes == 0) {
        close_output(stream);
        end_clients_if_done();
        return;
    }
    const auto bytes = std::span<const std::byte>(chunk).first(got.bytes);
    if (options_.log) options_.log->write(stream, as_text(bytes), now());
    for (auto next = clients_.begin(); next != clients_.end();) deliver(*next++, stream, bytes);
    if (has_choking_client()) set_output_paused(true);
}

void Stdio::close_output(int stream) {
    if (!outputs_[stream].fd) return;
    loop_.remove(outputs_[stream].watch);
    outputs_[stream].fd.close();
    if (options_.log) options_.log->finish(stream, now());
}

void Stdio::deliver(Client& client, int stream, std::span<const std::byte> bytes) {
    if (client.ending || !client.wants[stream]) return;
    std::array<std::byte, 8 + chunk_bytes> framed;
    if (client.multiplex) {
        const auto header = frame_header(stream, bytes.size());
        std::ranges::copy(header, framed.begin());
        std::ranges::copy(bytes, framed.begin() + header.size());
        bytes = std::span<const std::byte>(framed).first(header.size() + bytes.size());
    }
    if (client.backlog.is_empty()) {
        const sys::Transfer sent = sys::send_some(client.stream, bytes);
        if (sent.ended) {
            client.ending = true;  // the watch calls back at once, and drops it
            return update_watch(client);
        }
        if (sent.bytes != 0) client.last_progress = std::chrono::steady_clock::now();
        bytes = bytes.subspan(sent.bytes);
    }
    if (bytes.empty()) return;
    if (!client.backlog.push(bytes))
        client.ending = true;  // the disk is full: it gets what it has, then the end
    update_watch(client);
}

Result<> Stdio::attach(const Attach& request, sys::Fd stream) {
    if (ended_ && is_idle()) return fail(ErrorCode::Conflict, "the process has ended");
    Client& client = clients_.emplace_back(request, std::move(stream), options_.spill_directory);
    auto watch = loop_.add(client.stream, EPOLLIN,
                           [this, &client](std::uint32_t events) { on_client(client, events); });
    if (!watch) {
        clients_.pop_back();
        return std::move(watch).error();
    }
    client.watch = *watch;
    if (client.sends_input && !request.early_input.empty())
        write_stdin(client.keys.filter(request.early_input).input);
    update_watch(client);
    return {};
}

void Stdio::on_client(Client& client, std::uint32_t events) {
    if ((events & EPOLLERR) != 0) return drop(client);
    if ((events & EPOLLOUT) != 0) {
        flush(client);
        if (client.ending && client.backlog.is_empty()) return drop(client);
    }
    if ((events & EPOLLHUP) != 0) return take_last_input(client);
    if ((events & EPOLLIN) != 0) read_client(client);
}

// The client is gone in both directions, but what it sent before is still to be read.
void Stdio::take_last_input(Client& client) {
    while (client.sends_input && client.input_open) {
        const sys::Transfer got = sys::receive_some(client.stream, chunk);
        if (got.bytes == 0) break;
        const auto bytes = std::span<const std::byte>(chunk).first(got.bytes);
        write_stdin(client.keys.filter(as_text(bytes)).input);
    }
    drop(client);
}

void Stdio::read_client(Client& client) {
    const sys::Transfer got = sys::receive_some(client.stream, chunk);
    if (got.blocked) return;
    if (got.bytes == 0) {
        // The client has closed its sending side. It may go on reading (a half-closed stdin); one
        // that is gone altogether shows itself at the next write.
        client.input_open = false;
        if (client.sends_input && options_.close_stdin_with_client && !options_.tty) {
            stdin_closing_ = true;
            flush_stdin();
        }
        update_watch(client);
        return;
    }
    if (!client.sends_input) return;
    const auto bytes = std::span<const std::byte>(chunk).first(got.bytes);
    // Keys are typed at a terminal. Elsewhere the same bytes are data.
    if (!options_.tty) return write_stdin(as_text(bytes));
    DetachKeys::Outcome outcome = client.keys.filter(as_text(bytes));
    if (!outcome.input.empty()) write_stdin(outcome.input);
    if (!outcome.detached) return;
    drop(client);
    if (options_.on_detached) options_.on_detached();
}

void Stdio::flush(Client& client) {
    while (!client.backlog.is_empty()) {
        const auto bytes = client.backlog.front();
        const sys::Transfer sent = sys::send_some(client.stream, bytes);
        if (sent.ended || bytes.empty()) {
            client.backlog.pop(client.backlog.size());
            client.ending = true;
            break;
        }
        if (sent.bytes == 0) break;
        client.last_progress = std::chrono::steady_clock::now();
        client.backlog.pop(sent.bytes);
    }
    if (paused_ && !has_choking_client()) set_output_paused(false);
    update_watch(client);
}

void Stdio::update_watch(Client& client) {
    const bool takes_input = client.input_open && stdin_pending_.size() < max_stdin_pending;
    loop_.modify(client.watch, (takes_input ? EPOLLIN : 0u) |
                                   (client.backlog.is_empty() && !client.ending ? 0u : EPOLLOUT));
}

void Stdio::drop(Client& client) {
    loop_.remove(client.watch);
    const bool closes_stdin = client.sends_input && client.input_open &&
                              options_.close_stdin_with_client && !options_.tty;
    clients_.remove_if([&](const Client& other) { return &other == &client; });
    if (closes_stdin && running_) {
        stdin_closing_ = true;
        flush_stdin();
    }
    if (paused_ && !has_choking_client()) set_output_paused(false);
    if (is_idle() && options_.on_idle) options_.on_idle();
}

// Once the process has ended and its output is read, clients are closed when they have got
// everything.
void Stdio::end_clients_if_done() {
    if (!ended_ || outputs_[1].fd || outputs_[2].fd) return;
    loop_.cancel(drain_timer_);
    for (auto next = clients_.begin(); next != clients_.end();) {
        Client& client = *next++;
        client.ending = true;
        if (client.backlog.is_empty()) {
            sys::shutdown_write(client.stream).ignore("closed in the next line");
            drop(client);
        }
    }
    if (is_idle() && options_.on_idle) options_.on_idle();
}

bool Stdio::has_choking_client() {
    const SteadyTime now = std::chrono::steady_clock::now();
    bool choking = false;
    for (Client& client : clients_) {
        if (client.backlog.size() < max_backlog || client.ending) continue;
        if (now - client.last_progress < stall_limit) {
            choking = true;
        } else {
            client.backlog.pop(client.backlog.size());
            client.ending = true;
            update_watch(client);
        }
    }
    return choking;
}

void Stdio::set_output_paused(bool paused) {
    paused_ = paused;
    for (Source& output : outputs_) {
        if (output.watch != 0) loop_.modify(output.watch, paused ? 0u : EPOLLIN);
    }
    if (!paused) return;
    // The client that is waited for may stop reading altogether.
    loop_.cancel(stall_timer_);
    stall_timer_ = loop_.after(stall_limit, [this] {
        stall_timer_ = 0;
        if (paused_ && !has_choking_client()) set_output_paused(false);
    });
}

void Stdio::write_stdin(std::string_view bytes) {
    if (!options_.wants_stdin || stdin_closing_) return;
    stdin_pending_.append(bytes);
    if (running_) flush_stdin();
}

void Stdio::flush_stdin() {
    if (!stdin_) return;
    if (!stdin_pending_.empty()) {
        const sys::Transfer sent = sys::write_some(stdin_, as_bytes(stdin_pending_));
        if (sent.ended) {
            stdin_pending_.clear();
            return close_stdin();
        }
        const bool was_full = stdin_pending_.size() >= max_stdin_pending;
        stdin_pending_.erase(0, sent.bytes);
        if (was_full) {
            for (Client& client : clients_) update_watch(client);
        }
    }
    if (stdin_pending_.empty()) {
        stdin_pending_ = std::string();
        loop_.remove(stdin_watch_);
        if (stdin_closing_) close_stdin();
    } else if (stdin_watch_ == 0) {
        auto watch = loop_.add(stdin_, EPOLLOUT, [this](std::uint32_t) { flush_stdin(); });
        if (watch) stdin_watch_ = *watch;
    }
}

void Stdio::close_stdin() {
    loop_.remove(stdin_watch_);
    stdin_.close();
}

Result<> Stdio::resize(std::uint16_t rows, std::uint16_t columns) {
    if (!options_.tty || !stdin_) return fail(ErrorCode::Conflict, "the process has no terminal");
    return sys::set_window_size(stdin_, {.columns = columns, .rows = rows});
}

}  // namespace berth::shim
