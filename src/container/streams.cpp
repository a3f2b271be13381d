#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "container/implementation_internal.h"
#include "container/log_plan.h"
#include "container/mount_plan.h"
#include "shim/log_reader.h"
#include "shim/log_writer.h"
#include "sys/socket.h"

namespace berth::container {
namespace {

constexpr std::size_t max_pending_attaches = 16;

// "key=value,..." of the labels and variables that log options name.
std::string details_of(const ContainerSpec& spec) {
    auto fields = log_fields(spec.host.log, spec.labels, spec.env);
    if (!fields) return {};  // no container is made with such options
    std::ranges::sort(*fields);
    return join(*fields, ",");
}

// Looked up once, at the start: the shim has no resolver of its own and must not wait for one.
Result<std::string> resolve_host(const std::string& name) {
    addrinfo* found = nullptr;
    const addrinfo hints{.ai_flags = 0,
                         .ai_family = AF_UNSPEC,
                         .ai_socktype = SOCK_DGRAM,
                         .ai_protocol = 0,
                         .ai_addrlen = 0,
                         .ai_addr = nullptr,
                         .ai_canonname = nullptr,
                         .ai_next = nullptr};
    if (const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found); failed != 0) {
        return fail(ErrorCode::Unavailable, "look up ", name, ": ", ::gai_strerror(failed));
    }
    char text[NI_MAXHOST] = {};
    const int failed = ::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), nullptr,
                                     0, NI_NUMERICHOST);
    ::freeaddrinfo(found);
    if (failed != 0)
        return fail(ErrorCode::Unavailable, "look up ", name, ": ", ::gai_strerror(failed));
    return std::string(text);
}

}  // namespace

shim::Attach attach_message(const AttachOptions& options) {
    return {.stdin_ = options.stdin_,
            .stdout_ = options.stdout_,
            .stderr_ = options.stderr_,
            .multiplex = options.multiplex,
            .detach_keys = options.detach_keys,
            .early_input = options.early_input};
}

Result<shim::LogSettings> Containers::Implementation::log_settings(const Container& container,
                                                                   const ContainerSpec& spec,
                                                                   const std::string& name) const {
    const LogConfig chosen =
        TRY(choose_log(spec.host.log, settings_.log_driver, settings_.log_options));
    char host_name[256] = {};
    ::gethostname(host_name, sizeof(host_name) - 1);
    return plan_log(chosen,
                    {.id = container.id,
                     .name = name,
                     .image = spec.image,
                     .image_id = container.image_id,
                     .hostname = host_name,
                     .env = spec.env,
                     .labels = spec.labels},
                    container.log_path(), resolve_host);
}

std::string Containers::Implementation::log_file(const Container& container,
                                                 const ContainerSpec& spec) const {
    const std::string& driver =
        spec.host.log.driver.empty() ? settings_.log_driver : spec.host.log.driver;
    return driver == "none" ? std::string() : container.log_path();
}

Result<> Containers::attach(std::string_view key, const AttachOptions& options, sys::Fd stream) {
    const ContainerPtr container = TRY(implementation_->find(key));
    if (options.logs) {
        // What was written before; a line that comes in this moment may be missed or come twice, as
        // in Docker.
        const LogOptions past{.stdout_ = options.stdout_, .stderr_ = options.stderr_};
        Result<> sent;
        const auto sink = [&](const LogEntry& entry) {
            std::string frame;
            if (options.multiplex) {
                const auto size = static_cast<std::uint32_t>(entry.text.size());
                frame = {static_cast<char>(entry.stream),
                         0,
                         0,
                         0,
                         static_cast<char>(size >> 24),
                         static_cast<char>(size >> 16),
                         static_cast<char>(size >> 8),
                         static_cast<char>(size)};
            }
            sent = sys::send_message(stream, frame + std::string(entry.text));
            return static_cast<bool>(sent);
        };
        TRY(logs(container->id, past, sink, {}));
        TRY(std::move(sent));
    }
    implementation_->emit(*container, "attach");
    if (!options.stream) return {};
    const std::lock_guard operation(container->operation);
    const auto client = container->shim();
    if (client && is_alive(container->state().status)) {
        const int number = stream.get();
        return client->ask(attach_message(options), std::span(&number, 1));
    }
    auto live = container->live.lock();
    if (live->pending_attaches.size() >= max_pending_attaches)
        return fail(ErrorCode::Unavailable, "too many clients wait for container ", container->id);
    live->pending_attaches.push_back({options, std::move(stream)});
    return {};
}

Result<> Containers::resize(std::string_view key, int rows, int columns) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto client = container->shim();
    if (!client || !is_alive(container->state().status))
        return fail(ErrorCode::Conflict, "container ", container->id, " is not running");
    TRY(client->ask(shim::Resize{.rows = static_cast<std::uint16_t>(rows),
                                 .columns = static_cast<std::uint16_t>(columns)}));
    implementation_->emit(*container, "resize",
                          {{"height", std::to_string(rows)}, {"width", std::to_string(columns)}});
    return {};
}

Result<> Containers::clear_logs(std::string_view key) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const std::string path = implementation_->log_file(*container, *container->spec());
    if (path.empty())
        return fail(ErrorCode::Conflict, "container ", container->name(),
                    " keeps no log: its driver is none");
    const std::lock_guard operation(container->operation);
    if (const auto client = container->shim(); client && is_alive(container->state().status))
        return client->ask(shim::ClearLog{});
    shim::remove_log(path);
    return {};
}

Result<> Containers::logs(std::string_view key, const LogOptions& options, const LogSink& sink,
                          std::stop_token stop) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto spec = container->spec();
    if (implementation_->log_file(*container, *spec).empty()) {
        return fail(ErrorCode::Unsupported, "configured logging driver does not support reading");
    }
    const std::string details = options.details ? details_of(*spec) : std::string();
    const shim::LogQuery query{.path = container->log_path(),
                               .tail = options.tail,
                               .stdout_ = options.stdout_,
                               .stderr_ = options.stderr_,
                               .since = options.since,
                               .until = options.until,
                               .follow = options.follow,
                               .is_alive = [&] {
                                   auto live = container->live.lock();
                                   return !live->removed && is_alive(live->state.status);
                               }};
    return shim::read_log(
        query,
        [&](const shim::LogLine& line) {
            return sink(
                {.stream = line.stream, .time = line.time, .text = line.text, .details = details});
        },
        stop);
}

}  // namespace berth::container
