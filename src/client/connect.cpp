#include <fcntl.h>

#include <chrono>

#include "client/transport_internal.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/process.h"

// Finding the engine, and starting it when nobody listens.
namespace berth::client {

namespace {

constexpr std::chrono::seconds start_limit{20};
constexpr std::chrono::milliseconds poll_interval{5};

struct Greeting {
    api::ApiVersion newest = api::oldest_api_version;
};

Result<Greeting> greet(http::Connection& connection, const std::stop_token& stop) {
    http::ClientRequest request;
    request.target = "/_ping";
    auto response = TRY(connection.send(std::move(request), stop));
    TRY(response.read_all(64 << 10, stop));
    if (response.status != 200) {
        return fail(ErrorCode::Unavailable, "what listens there is no engine (ping answered with ",
                    response.status, ")");
    }
    Greeting greeting;
    if (auto version = api::ApiVersion::parse(response.headers.get("Api-Version")))
        greeting.newest = *version;
    return greeting;
}

bool is_nobody_there(const Error& error) {
    return error.is(ErrorCode::NotFound) || error.is(ErrorCode::Unavailable);
}

std::string last_lines(const std::string& path) {
    auto text = sys::read_file(path, 64 << 20);
    if (!text) return {};
    auto lines = split(trim(*text), '\n');
    if (lines.size() > 5) lines.erase(lines.begin(), lines.end() - 5);
    return join(lines, "\n");
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<sys::Child> spawn_engine(const ConnectOptions& options) {
    TRY(sys::mkdir_all(folder_of(options.engine_log)));
    const sys::Fd log = TRY(sys::open(options.engine_log, O_WRONLY | O_CREAT | O_APPEND, 0600));
    const sys::Fd nothing = TRY(sys::open("/dev/null", O_RDONLY));
    sys::SpawnRequest request;
    request.path = options.engine;
    request.arguments = options.engine_arguments;
    request.arguments.insert(request.arguments.begin(), options.engine);
    request.environment = options.engine_environment;
    request.fds = {{0, nothing.get()}, {1, log.get()}, {2, log.get()}};
    request.working_directory = "/";
    request.new_session = true;
    return sys::spawn(request);
}

// Two commands at the same moment start one engine: the second waits for the lock, and then finds
// it there.
Result<Greeting> start_engine(http::Connection& connection, const ConnectOptions& options,
                              const std::stop_token& stop) {
    TRY(sys::mkdir_all(folder_of(options.host.unix_path)));
    const auto lock = TRY(sys::FileLock::acquire(options.host.unix_path + ".starting"));
    if (auto greeting = greet(connection, stop)) return greeting;
    const auto child = TRY(spawn_engine(options).context("start ", options.engine));
    const auto limit = std::chrono::steady_clock::now() + start_limit;
    while (std::chrono::steady_clock::now() < limit && !stop.stop_requested()) {
        // The engine is there when its socket answers. Its end ends the waiting.
        const bool ended = TRY(child.pidfd.wait_exited(poll_interval));
        auto greeting = greet(connection, stop);
        if (greeting) return greeting;
        if (!ended) continue;
        return fail(ErrorCode::Unavailable,
                    "the engine did not start: ", last_lines(options.engine_log))
            .with_hint(concat("its messages are in ", options.engine_log));
    }
    return fail(ErrorCode::TimedOut, "the engine was started but does not answer at ",
                options.host.to_string())
        .with_hint(concat("its messages are in ", options.engine_log));
}

}  // namespace

Client::Client(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const ConnectOptions& options, const std::stop_token& stop) {
    http::Connection connection(options.host);  // goes on to the first call
    auto greeting = greet(connection, stop);
    if (!greeting && is_nobody_there(greeting.error())) {
        if (options.engine.empty()) {
            return std::move(greeting)
                .context("cannot connect to the engine at ", options.host.to_string())
                .hint(
                    "is berthd running there? without -H and BERTH_HOST, berth starts it by itself")
                .error();
        }
        greeting = start_engine(connection, options, stop);
    }
    const Greeting answer = TRY(
        std::move(greeting).context("cannot connect to the engine at ", options.host.to_string()));
    const auto version = std::min(answer.newest, api::client_api_version);
    return Client(std::make_unique<Transport>(std::move(connection), version));
}

const http::Endpoint& Client::host() const { return transport_->endpoint(); }
api::ApiVersion Client::api_version() const { return transport_->version(); }

Result<Json> Client::get(const std::string& path, const Query& query,
                         const std::stop_token& stop) const {
    return transport_->json({.path = path, .query = query}, stop);
}

Result<Json> Client::post(const std::string& path, const Query& query, const std::string& json_body,
                          const std::stop_token& stop) const {
    return transport_->json(
        {.method = "POST", .path = path, .query = query, .json_body = json_body}, stop);
}

Result<Json> Client::remove(const std::string& path, const Query& query) const {
    return transport_->json({.method = "DELETE", .path = path, .query = query});
}

}  // namespace berth::client
