#include "runtime/hooks.h"

#include <fcntl.h>
#include <signal.h>

#include <chrono>

#include "base/text.h"
#include "codec/json.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

namespace berth::runtime {

std::string to_json(const StateDocument& state) {
    codec::Json out = {
        {"ociVersion", oci::runtime_spec_version}, {"id", state.id}, {"status", state.status}};
    if (state.pid > 0) out["pid"] = state.pid;
    out["bundle"] = state.bundle;
    if (state.annotations && !state.annotations->empty()) {
        for (const auto& [key, value] : *state.annotations) out["annotations"][key] = value;
    }
    return codec::dump_json(out);
}

namespace {

// A memory file instead of a pipe: it never blocks, however much of it the hook reads.
Result<sys::Fd> input_of(const std::string& text) {
    sys::Fd file = TRY(sys::memfd("state"));
    TRY(sys::write_all(file, std::string_view(text)));
    TRY(sys::seek(file, 0, SEEK_SET));
    return file;
}

Result<> run_hook(const oci::RuntimeHook& hook, const std::string& state) {
    if (!hook.path.starts_with('/'))
        return fail(ErrorCode::InvalidArgument, "its path is not absolute: ", hook.path);
    const sys::Fd input = TRY(input_of(state));
    const sys::Fd output = TRY(sys::memfd("output"));
    sys::SpawnRequest request{.path = hook.path,
                              .arguments = hook.args,
                              .environment = hook.env,
                              .working_directory = "/"};
    if (request.arguments.empty()) request.arguments.push_back(hook.path);
    request.fds = {{.target = 0, .source = input.get()},
                   {.target = 1, .source = output.get()},
                   {.target = 2, .source = output.get()}};
    const sys::Child child = TRY(sys::spawn(request));
    std::optional<std::chrono::milliseconds> limit;
    if (hook.timeout) limit = std::chrono::seconds(*hook.timeout);
    if (!TRY(child.pidfd.wait_exited(limit))) {
        child.pidfd.send_signal(SIGKILL).ignore("it ended just now");
        child.pidfd.wait().ignore("only reaped");
        return fail(ErrorCode::TimedOut, hook.path, " ran longer than ", *hook.timeout, " s");
    }
    const sys::ExitStatus status = TRY(child.pidfd.wait());
    if (status.is_success()) return {};
    TRY(sys::seek(output, 0, SEEK_SET));
    const std::string said = sys::read_all(output, 64 * 1024).value_or(std::string());
    const std::string how = status.signal
                                ? concat("was killed by ", sys::signal_name(status.signal))
                                : concat("exit status ", status.code);
    return fail(ErrorCode::Internal, hook.path, ": ", how, said.empty() ? "" : ": ", trim(said));
}

}  // namespace

Result<> run_hooks(const std::vector<oci::RuntimeHook>& hooks, std::string_view kind,
                   const StateDocument& state) {
    if (hooks.empty()) return {};
    const std::string text = to_json(state);
    for (std::size_t i = 0; i < hooks.size(); ++i)
        TRY(run_hook(hooks[i], text).context("error running ", kind, " hook #", i));
    return {};
}

}  // namespace berth::runtime
