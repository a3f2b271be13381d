#include "shim/client.h"

#include <array>

#include "base/text.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace berth::shim {
namespace {

// Starting a container under load may take a while; a shim that says nothing for so long is stuck
// for good.
constexpr std::chrono::seconds answer_limit{60};
constexpr int engine_fd_in_shim = 3;

}  // namespace

bool Client::is_gone() const {
    const std::lock_guard lock(mutex_);
    return gone_;
}

Result<std::uint32_t> Client::send(const std::function<std::string(std::uint32_t)>& make,
                                   std::span<const int> fds) {
    std::uint32_t sequence = 0;
    {
        const std::lock_guard lock(mutex_);
        if (gone_) return fail(ErrorCode::Unavailable, "the container's shim is gone");
        sequence = next_sequence_++;
        waiting_.emplace(sequence, std::nullopt);
    }
    if (auto sent = sys::send_message(socket_, make(sequence), fds); !sent) {
        give_up(sequence);
        return std::move(sent).error();
    }
    return sequence;
}

Result<Message> Client::await(std::uint32_t sequence) {
    std::unique_lock lock(mutex_);
    const auto slot = waiting_.find(sequence);
    const auto is_answered = [&] { return slot->second.has_value() || gone_; };
    const bool in_time = answered_.wait_for(lock, answer_limit, is_answered);
    std::optional<Message> answer = std::move(slot->second);
    waiting_.erase(slot);
    if (answer) return std::move(*answer);
    if (!in_time) return fail(ErrorCode::TimedOut, "the container's shim does not answer");
    return fail(ErrorCode::Unavailable, "the container's shim is gone");
}

void Client::give_up(std::uint32_t sequence) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(sequence);
}

Result<> Client::check_refusal(const Message& message) {
    if (message.header.type != static_cast<std::uint16_t>(MessageType::Reply)) return {};
    const Reply reply = TRY(decode<Reply>(message.body));
    if (reply.ok) return {};
    return Error(static_cast<ErrorCode>(reply.code), reply.text);
}

void Client::deliver(Message message) {
    const std::lock_guard lock(mutex_);
    const auto slot = waiting_.find(message.header.sequence);
    if (slot == waiting_.end()) return;  // its asker has given up
    slot->second = std::move(message);
    answered_.notify_all();
}

void Client::mark_gone() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    answered_.notify_all();
}

void Client::disconnect() { sys::shutdown_write(socket_).ignore("gone already"); }

Hub::Hub(std::string program, EventHandler handler, sys::Epoll epoll, sys::Fd wake)
    : program_(std::move(program)),
      handler_(std::move(handler)),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      buffer_(max_message_bytes),
      thread_([this](std::stop_token stop) { run(stop); }) {}

Result<std::unique_ptr<Hub>> Hub::open(std::string program, EventHandler handler) {
    sys::Epoll epoll = TRY(sys::Epoll::create());
    sys::Fd wake = TRY(sys::make_eventfd());
    TRY(epoll.add(wake, EPOLLIN, 0));
    return std::unique_ptr<Hub>(
        new Hub(std::move(program), std::move(handler), std::move(epoll), std::move(wake)));
}

Hub::~Hub() {
    thread_.request_stop();
    const std::uint64_t one = 1;
    sys::write_all(wake_, std::as_bytes(std::span(&one, 1))).ignore("an eventfd takes it");
    thread_.join();
    for (auto& [tag, client] : clients_) client->mark_gone();
}

// Opened once: a protected view is a mount, and each one that ends has the kernel wait for all
// processors.
Result<sys::Fd> Hub::open_program() {
    const std::lock_guard lock(mutex_);
    if (!opened_program_) opened_program_ = TRY(runtime::open_protected_executable(program_));
    return sys::duplicate(opened_program_);
}

Result<std::shared_ptr<Client>> Hub::spawn(const std::string& id, const std::string& run_directory,
                                           const Ahead& ahead) {
    TRY(sys::mkdir_all(run_directory, 0700));
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketKind::SeqPacket));
    const sys::Fd nothing = TRY(sys::open("/dev/null", O_RDWR));
    const sys::Fd complaints = TRY(
        sys::open(run_directory + "/shim.log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600));
    // Containers see the file a process was started from; this one cannot be written through /proc.
    const sys::Fd program = TRY(open_program());
    sys::SpawnRequest request;
    request.path = concat("/proc/self/fd/", program.get());
    request.arguments = {"berth-shim", run_directory, ahead.cgroup};
    if (ahead.network_namespace)
        request.arguments.push_back(concat("network=", ahead.first_id, "+", ahead.ids));
    request.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    request.fds = {{0, nothing.get()},
                   {1, nothing.get()},
                   {2, complaints.get()},
                   {engine_fd_in_shim, theirs.get()}};
    request.working_directory = "/";
    request.new_session = true;
    sys::Child child = TRY(sys::spawn(request).context("start ", program_));
    {
        const std::lock_guard lock(mutex_);
        const std::uint64_t tag = next_tag_++;
        TRY(epoll_.add(child.pidfd.fd(), EPOLLIN, tag));
        children_.emplace(tag, std::move(child.pidfd));
    }
    return adopt(id, std::move(ours));
}

Result<std::shared_ptr<Client>> Hub::connect(const std::string& id,
                                             const std::string& run_directory) {
    sys::Fd socket =
        TRY(sys::connect_unix(run_directory + "/shim.sock", sys::SocketKind::SeqPacket));
    return adopt(id, std::move(socket));
}

void Hub::wait_for_children() {
    std::unique_lock lock(mutex_);
    children_ended_.wait_for(lock, std::chrono::seconds(5), [this] { return children_.empty(); });
}

Result<std::shared_ptr<Client>> Hub::adopt(const std::string& id, sys::Fd socket) {
    std::shared_ptr<Client> client(new Client(id, std::move(socket)));
    const std::lock_guard lock(mutex_);
    const std::uint64_t tag = next_tag_++;
    TRY(epoll_.add(client->socket_, EPOLLIN, tag));
    clients_.emplace(tag, client);
    return client;
}

void Hub::run(std::stop_token stop) {
    std::array<epoll_event, 64> ready;
    while (!stop.stop_requested()) {
        const auto count = epoll_.wait(ready);
        if (!count) return;
        for (std::size_t i = 0; i < *count; ++i) {
            if (ready[i].data.u64 != 0) receive(ready[i].data.u64);
        }
    }
}

void Hub::receive(std::uint64_t tag) {
    std::shared_ptr<Client> client;
    {
        const std::lock_guard lock(mutex_);
        if (const auto child = children_.find(tag); child != children_.end()) {
            epoll_.remove(child->second.fd()).ignore("closing does it too");
            child->second.wait().ignore("it has ended; this takes it off the process table");
            children_.erase(child);
            children_ended_.notify_all();
            return;
        }
        const auto found = clients_.find(tag);
        if (found == clients_.end()) return;
        client = found->second;
    }
    auto received = sys::receive_message(client->socket_, buffer_);
    const std::string_view text(reinterpret_cast<const char*>(buffer_.data()),
                                received ? received->size : 0);
    const auto parsed = parse_header(text);
    if (!parsed) {
        {
            const std::lock_guard lock(mutex_);
            epoll_.remove(client->socket_).ignore("closing does it too");
            clients_.erase(tag);
        }
        client->mark_gone();
        return handler_(client->id_, nullptr);
    }
    Message message{parsed->first, std::string(parsed->second), std::move(received->fds)};
    if (message.header.sequence != 0) {
        client->deliver(std::move(message));
    } else {
        handler_(client->id_, &message);
    }
}

}  // namespace berth::shim
