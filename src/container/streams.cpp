#include "container/implementation_internal.h"
#include "container/mount_plan.h"
#include "shim/log_reader.h"
#include "sys/socket.h"

namespace berth::container {
namespace {

constexpr std::size_t max_pending_attaches = 16;

// "key=value,..." of the labels and variables that log options name.
std::string details_of(const ContainerSpec& spec) {
    std::vector<std::string> out;
    const auto options = spec.host.log.options;
    const auto wanted = [&](const char* option) {
        const auto found = options.find(option);
        return found == options.end() ? std::vector<std::string>{} : split(found->second, ',');
    };
    for (const std::string& key : wanted("env")) {
        for (const std::string& line : spec.env) {
            if (line.starts_with(key + "=")) out.push_back(line);
        }
    }
    for (const std::string& key : wanted("labels")) {
        if (const auto label = spec.labels.find(key); label != spec.labels.end()) out.push_back(concat(key, "=", label->second));
    }
    return join(out, ",");
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

shim::LogSettings Containers::Implementation::log_settings(const Container& container, const ContainerSpec& spec) const {
    const bool is_default = spec.host.log.driver.empty();
    const std::string driver = is_default ? settings_.log_driver : spec.host.log.driver;
    if (driver == "none") return {};
    shim::LogSettings out{.path = container.log_path()};
    StringMap options = settings_.log_options;
    if (!is_default && driver != settings_.log_driver) options.clear();
    for (const auto& [key, value] : spec.host.log.options) options[key] = value;
    if (const auto size = options.find("max-size"); size != options.end()) {
        // "-1" is Docker's word for no bound.
        out.max_bytes = size->second == "-1" ? 0 : static_cast<std::uint64_t>(parse_size(size->second).value_or(20 << 20));
    }
    if (const auto files = options.find("max-file"); files != options.end()) {
        out.max_files = static_cast<std::uint32_t>(std::clamp<std::int64_t>(parse_int(files->second).value_or(5), 1, 1000));
    }
    return out;
}

Result<> Containers::attach(std::string_view key, const AttachOptions& options, sys::Fd stream) {
    const ContainerPtr container = TRY(implementation_->find(key));
    if (options.logs) {
        // What was written before; a line that comes in this moment may be missed or come twice, as in Docker.
        const LogOptions past{.stdout_ = options.stdout_, .stderr_ = options.stderr_};
        Result<> sent;
        const auto sink = [&](const LogEntry& entry) {
            std::string frame;
            if (options.multiplex) {
                const auto size = static_cast<std::uint32_t>(entry.text.size());
                frame = {static_cast<char>(entry.stream), 0, 0, 0, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                         static_cast<char>(size >> 8), static_cast<char>(size)};
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
    if (live->pending_attaches.size() >= max_pending_attaches) return fail(ErrorCode::Unavailable, "too many clients wait for container ", container->id);
    live->pending_attaches.push_back({options, std::move(stream)});
    return {};
}

Result<> Containers::resize(std::string_view key, int rows, int columns) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto client = container->shim();
    if (!client || !is_alive(container->state().status)) return fail(ErrorCode::Conflict, "container ", container->id, " is not running");
    TRY(client->ask(shim::Resize{.rows = static_cast<std::uint16_t>(rows), .columns = static_cast<std::uint16_t>(columns)}));
    implementation_->emit(*container, "resize", {{"height", std::to_string(rows)}, {"width", std::to_string(columns)}});
    return {};
}

Result<> Containers::logs(std::string_view key, const LogOptions& options, const LogSink& sink, std::stop_token stop) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto spec = container->spec();
    if (implementation_->log_settings(*container, *spec).path.empty()) {
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
    return shim::read_log(query, [&](const shim::LogLine& line) {
        return sink({.stream = line.stream, .time = line.time, .text = line.text, .details = details});
    }, stop);
}

}  // namespace berth::container
