#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shim/protocol.h"
#include "sys/epoll.h"
#include "sys/fd.h"
#include "sys/process.h"

// The engine's side of the shims: processes to start or to find again, requests to send, events to
// take.
namespace berth::shim {

/// A message of a shim.
struct Message {
    Header header;
    std::string body;
    std::vector<sys::Fd> fds;
};

/// The connection to one shim. Thread-safe.
class Client {
public:
    /// A request that was sent, whose answer of type `Answer` is still to come. The client outlives
    /// it; when it goes, the answer is nobody's.
    template <typename Answer>
    class Pending {
    public:
        Pending(Client& client, std::uint32_t sequence) : client_(&client), sequence_(sequence) {}
        Pending(Pending&& other) noexcept
            : client_(std::exchange(other.client_, nullptr)), sequence_(other.sequence_) {}
        Pending& operator=(Pending&&) = delete;
        ~Pending() {
            if (client_) client_->give_up(sequence_);
        }
        /// Waits for the answer, once. A refusal comes as the shim's error; Unavailable when the
        /// shim is gone, TimedOut when it does not answer.
        Result<Answer> wait(std::vector<sys::Fd>* answer_fds = nullptr) {
            Message message = TRY(std::exchange(client_, nullptr)->await(sequence_));
            TRY(check_refusal(message));
            if (message.header.type != static_cast<std::uint16_t>(Answer::type)) {
                return fail(ErrorCode::Corrupted, "unexpected answer of a shim");
            }
            if (answer_fds != nullptr) *answer_fds = std::move(message.fds);
            return decode<Answer>(message.body);
        }

    private:
        Client* client_;
        std::uint32_t sequence_;
    };

    /// Sends `request` and goes on: a shim takes requests in their order. Unavailable when the shim
    /// is gone.
    template <typename Answer, typename T>
    Result<Pending<Answer>> begin(const T& request, std::span<const int> fds = {}) {
        return Pending<Answer>(
            *this,
            TRY(send([&](std::uint32_t sequence) { return encode(request, sequence); }, fds)));
    }
    /// Sends `request` and waits for its answer (Reply for most).
    template <typename Answer, typename T>
    Result<Answer> call(const T& request, std::span<const int> fds = {},
                        std::vector<sys::Fd>* answer_fds = nullptr) {
        auto pending = TRY(begin<Answer>(request, fds));
        return pending.wait(answer_fds);
    }
    /// The same for requests that are answered by a bare Reply.
    template <typename T>
    Result<> ask(const T& request, std::span<const int> fds = {}) {
        Reply reply = TRY(call<Reply>(request, fds));
        return {};
    }
    bool is_gone() const;
    /// Ends the conversation from our side, as if the shim had gone.
    void disconnect();

private:
    friend class Hub;
    Client(std::string id, sys::Fd socket) : id_(std::move(id)), socket_(std::move(socket)) {}
    Result<std::uint32_t> send(const std::function<std::string(std::uint32_t)>& make,
                               std::span<const int> fds);
    Result<Message> await(std::uint32_t sequence);
    void give_up(std::uint32_t sequence);
    static Result<> check_refusal(const Message& message);
    void deliver(Message message);
    void mark_gone();

    const std::string id_;
    sys::Fd socket_;
    mutable std::mutex mutex_;
    std::condition_variable answered_;
    std::map<std::uint32_t, std::optional<Message>> waiting_;  // by sequence; empty until answered
    std::uint32_t next_sequence_ = 1;
    bool gone_ = false;
};

/// All shims of an engine: one thread receives for them.
class Hub {
public:
    /// Called in the hub's thread, in the order of each shim's events: it must not block. `event`
    /// is null when the shim is gone.
    using EventHandler = std::function<void(const std::string& id, const Message* event)>;

    /// `program` is the path of berth-shim.
    static Result<std::unique_ptr<Hub>> open(std::string program, EventHandler handler);
    ~Hub();

    /// What a shim makes while its engine still plans the container, and what it removes when that
    /// comes to nothing.
    struct Ahead {
        bool network_namespace = false;
        std::uint32_t first_id = 0, ids = 0;  ///< a user namespace around it; 0 ids none
        std::string cgroup;                   ///< made by the engine, or at the start; "" none
    };
    /// Starts a shim for container `id`; `run_directory` is made. It waits to be configured.
    Result<std::shared_ptr<Client>> spawn(const std::string& id, const std::string& run_directory,
                                          const Ahead& ahead);
    /// Waits, 5 s at most, until the shims that it started have ended and are off the process
    /// table: for one whose shims have all been told to quit.
    void wait_for_children();
    /// Connects to a shim that an earlier engine started. Unavailable or NotFound when there is
    /// none.
    Result<std::shared_ptr<Client>> connect(const std::string& id,
                                            const std::string& run_directory);

private:
    Hub(std::string program, EventHandler handler, sys::Epoll epoll, sys::Fd wake);
    Result<sys::Fd> open_program();
    Result<std::shared_ptr<Client>> adopt(const std::string& id, sys::Fd socket);
    void run(std::stop_token stop);
    void receive(std::uint64_t tag);

    std::string program_;
    sys::Fd opened_program_;
    EventHandler handler_;
    sys::Epoll epoll_;
    sys::Fd wake_;
    std::mutex mutex_;
    std::map<std::uint64_t, std::shared_ptr<Client>> clients_;
    std::map<std::uint64_t, sys::Pidfd> children_;  // shims that we started, until they end
    std::condition_variable children_ended_;
    std::uint64_t next_tag_ = 1;
    std::vector<std::byte> buffer_;
    std::jthread thread_;
};

}  // namespace berth::shim
