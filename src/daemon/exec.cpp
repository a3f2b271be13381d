#include "api/exec.h"

#include "api/stream_frame.h"
#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/handlers.h"
#include "daemon/stream_type.h"
#include "sys/file.h"
#include "sys/stream.h"

namespace berth::daemon {

using codec::Json;

Result<> create_exec(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::ExecCreateRequest::parse(body));
    if (request.cmd.empty()) return fail(ErrorCode::InvalidArgument, "No exec command specified");
    container::ExecSpec spec{.args = request.cmd,
                             .env = request.env,
                             .user = request.user,
                             .working_dir = request.working_dir,
                             .tty = request.tty,
                             .privileged = request.privileged,
                             .attach_stdin = request.attach_stdin,
                             .attach_stdout = request.attach_stdout,
                             .attach_stderr = request.attach_stderr};
    if (!request.detach_keys.empty()) {
        auto keys = parse_detach_keys(request.detach_keys);
        if (!keys)
            return fail(ErrorCode::InvalidArgument, "invalid detach keys (", request.detach_keys,
                        ") provided");
        spec.detach_keys = std::move(*keys);
    } else {
        spec.detach_keys = container::AttachOptions{}.detach_keys;
    }
    if (request.console_size && call.is_at_least(42))
        spec.console_size = {(*request.console_size)[0], (*request.console_size)[1]};
    const auto id = TRY(call.engine.containers.exec_create(call.parameter("id"), std::move(spec)));
    return call.send({{"Id", id}}, 201);
}

namespace {
// The status is out already, so what went wrong is told where output would be, as Docker does.
void tell_in_band(sys::BorrowedFd stream, bool tty, const std::string& message) {
    std::string text = message + "\r\n";
    if (!tty) {
        std::string frame;
        api::append_frame(frame, api::Stream::Stdout, text);
        text = std::move(frame);
    }
    sys::write_all(stream, text).ignore("the client has gone");
}
}  // namespace

Result<> start_exec(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::ExecStartRequest::parse(body));
    const auto exec = TRY(call.engine.containers.exec_inspect(call.parameter("id")));
    if (exec.running) return fail(ErrorCode::Conflict, "exec ", exec.id, " is already running");
    if (exec.exit_code) return fail(ErrorCode::Conflict, "exec ", exec.id, " has already run");
    container::Containers::ExecStartOptions options{.multiplex = !exec.spec.tty};
    if (request.console_size && call.is_at_least(42)) {
        if (!request.tty)
            return fail(ErrorCode::InvalidArgument,
                        "console size is only supported when tty is used");
        options.console_size = {(*request.console_size)[0], (*request.console_size)[1]};
    }
    if (request.detach) {
        TRY(call.engine.containers.exec_start(exec.id, options, std::nullopt));
        return call.send_status(200);
    }
    const auto view = TRY(call.engine.containers.inspect(exec.container_id));
    if (view.state.status == container::Status::Paused)
        return fail(ErrorCode::Conflict, "container ", view.id,
                    " is paused, unpause the container before exec");
    if (!is_alive(view.state.status))
        return fail(ErrorCode::Conflict, "container ", view.id, " is not running");
    const bool upgraded = call.request.headers.has_token("Connection", "upgrade");
    auto stream = TRY(call.response.hijack(upgraded ? stream_type(exec.spec.tty, call.version)
                                                    : "application/vnd.docker.raw-stream"));
    options.early_input = std::move(stream.early_input);
    sys::wait_until_read(stream.fd, head_read_limit);
    const sys::Fd ours = TRY(sys::duplicate(stream.fd));
    auto started = call.engine.containers.exec_start(exec.id, options, std::move(stream.fd));
    if (started.is_error()) tell_in_band(ours, exec.spec.tty, started.error().message());
    return {};
}

Result<> resize_exec(Call& call) {
    const auto rows = call.request.query.number("h");
    const auto columns = call.request.query.number("w");
    if (!rows || !columns || *rows < 0 || *columns < 0 || *rows > 65535 || *columns > 65535)
        return fail(ErrorCode::InvalidArgument, "invalid resize height or width");
    TRY(call.engine.containers.exec_resize(call.parameter("id"), static_cast<int>(*rows),
                                           static_cast<int>(*columns)));
    return call.send_status(200);
}

Result<> inspect_exec(Call& call) {
    const auto exec = TRY(call.engine.containers.exec_inspect(call.parameter("id")));
    Json arguments = Json::array();
    for (std::size_t i = 1; i < exec.spec.args.size(); ++i) arguments.push_back(exec.spec.args[i]);
    const Json process{{"tty", exec.spec.tty},
                       {"entrypoint", exec.spec.args.empty() ? "" : exec.spec.args[0]},
                       {"arguments", std::move(arguments)},
                       {"privileged", exec.spec.privileged},
                       {"user", exec.spec.user}};
    return call.send({{"ID", exec.id},
                      {"Running", exec.running},
                      {"ExitCode", exec.exit_code ? Json(*exec.exit_code) : Json(nullptr)},
                      {"ProcessConfig", process},
                      {"OpenStdin", exec.spec.attach_stdin},
                      {"OpenStderr", exec.spec.attach_stderr},
                      {"OpenStdout", exec.spec.attach_stdout},
                      {"CanRemove", false},
                      {"ContainerID", exec.container_id},
                      {"DetachKeys", exec.spec.detach_keys},
                      {"Pid", exec.pid}});
}

}  // namespace berth::daemon
