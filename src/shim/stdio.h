#pragma once
#include <array>
#include <functional>
#include <list>
#include <string>

#include "shim/backlog.h"
#include "shim/detach_keys.h"
#include "shim/event_loop.h"
#include "shim/log_writer.h"
#include "shim/protocol.h"

namespace berth::shim {

/// The standard streams of one process (the container's or an exec's) and everyone attached to
/// them. Output goes to the log and to each client; no client can hold the process up: what a slow
/// one has not taken waits in its backlog.
class Stdio {
public:
    struct Options {
        bool tty = false;
        bool wants_stdin = false;
        bool close_stdin_with_client = false;  // StdinOnce, and every exec
        std::string spill_directory;
        LogWriter* log = nullptr;
        std::function<void()> on_detached;
        std::function<void()>
            on_idle;  // output at its end and no client left that has something to get
    };
    Stdio(EventLoop& loop, Options options);
    ~Stdio();

    /// Makes the pipes for one run (nothing for a terminal) and returns the child's ends; -1 is
    /// /dev/null.
    Result<std::array<int, 3>> open_pipes();
    /// The process runs (or will never): closes the child's ends and takes the terminal, if it has
    /// one.
    Result<> begin(sys::Fd terminal);
    /// Undoes open_pipes() when the process was not started.
    void abandon();
    /// The process has ended: what is in the pipes is read, then clients are let go, unless it
    /// `restarts`.
    void process_ended(bool restarts);
    bool is_idle() const;

    Result<> attach(const Attach& request, sys::Fd stream);
    Result<> resize(std::uint16_t rows, std::uint16_t columns);
    std::size_t client_count() const { return clients_.size(); }

private:
    struct Client;
    struct Source {
        sys::Fd fd;
        EventLoop::Id watch = 0;
    };

    void on_output(int stream);
    void close_output(int stream);
    void deliver(Client& client, int stream, std::span<const std::byte> bytes);
    void on_client(Client& client, std::uint32_t events);
    void read_client(Client& client);
    void take_last_input(Client& client);
    void flush(Client& client);
    void update_watch(Client& client);
    void drop(Client& client);
    void end_clients_if_done();
    void set_output_paused(bool paused);
    bool has_choking_client();
    void write_stdin(std::string_view bytes);
    void flush_stdin();
    void close_stdin();

    EventLoop& loop_;
    Options options_;
    std::list<Client> clients_;
    std::array<sys::Fd, 3> child_ends_;
    sys::Fd stdin_;  // our end of the pipe, or the terminal
    EventLoop::Id stdin_watch_ = 0;
    std::string stdin_pending_;
    bool stdin_closing_ = false;
    std::array<Source, 3> outputs_;  // [1] stdout or terminal, [2] stderr
    bool running_ = false;
    bool ended_ = false;
    bool paused_ = false;
    EventLoop::Id drain_timer_ = 0, stall_timer_ = 0;
};

}  // namespace berth::shim
