#include "base/random.h"
#include "container/image_defaults.h"
#include "container/implementation_internal.h"
#include "container/mount_plan.h"
#include "container/runtime_plan.h"
#include "container/user_namespace.h"
#include "sys/file.h"

namespace berth::container {
namespace {

using namespace std::chrono_literals;
// How long the outcome of an exec that has ended can still be asked for.
constexpr auto kept_for = 10min;

Result<oci::RuntimeProcess> plan_exec(const ContainerSpec& container_spec, const ExecSpec& exec,
                                      sys::BorrowedFd root) {
    ContainerSpec spec = container_spec;
    spec.tty = exec.tty;
    spec.entrypoint = exec.args;
    spec.cmd.reset();
    merge_environment(spec.env, exec.env);
    if (!exec.user.empty()) spec.user = exec.user;
    if (!exec.working_dir.empty()) spec.working_dir = exec.working_dir;
    if (exec.privileged) spec.host.privileged = true;
    spec.host.console_size = exec.console_size;
    spec.host.oom_score_adj = 0;
    RuntimeFacts facts;
    const AccountFiles files = TRY(read_account_files(root));
    facts.user = TRY(resolve_user(files, spec.user, spec.host.group_add));
    TRY(check_user_has_place(facts.user, spec.user_ids));
    return plan_process(spec, facts);
}

}  // namespace

Result<std::string> Containers::exec_create(std::string_view key, ExecSpec spec) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const Status status = container->state().status;
    if (status == Status::Paused)
        return fail(ErrorCode::Conflict, "Container ", key,
                    " is paused, unpause the container before exec");
    if (status == Status::Restarting)
        return fail(ErrorCode::Conflict, "Container ", key,
                    " is restarting, wait until the container is running");
    if (status != Status::Running)
        return fail(ErrorCode::Conflict, "container ", container->id, " is not running");
    if (spec.args.empty()) return fail(ErrorCode::InvalidArgument, "No exec command specified");
    const std::string id = random_hex(32);
    const std::string command = join(spec.args, " ");
    {
        auto execs = implementation_->execs_.lock();
        const Timestamp now = implementation_->clock_.now();
        std::erase_if(*execs, [&](const auto& entry) {
            const ExecRecord& record = entry.second;
            return !record.view.running && record.ended != Timestamp{} &&
                   now - record.ended > kept_for;
        });
        ExecRecord record;
        record.view.id = id;
        record.view.container_id = container->id;
        record.view.spec = std::move(spec);
        execs->emplace(id, std::move(record));
    }
    implementation_->emit(*container, "exec_create: " + command, {{"execID", id}});
    return id;
}

Result<> Containers::exec_start(const std::string& exec_id, const ExecStartOptions& options,
                                std::optional<sys::Fd> stream) {
    ExecSpec spec;
    std::string container_id;
    {
        auto execs = implementation_->execs_.lock();
        const auto found = execs->find(exec_id);
        if (found == execs->end())
            return fail(ErrorCode::NotFound, "No such exec instance: ", exec_id);
        ExecView& view = found->second.view;
        if (view.running)
            return fail(ErrorCode::Conflict, "exec ", exec_id, " has already started");
        if (view.exit_code) return fail(ErrorCode::Conflict, "exec ", exec_id, " has already run");
        view.running = true;
        spec = view.spec;
        container_id = view.container_id;
    }
    const auto run = [&]() -> Result<shim::Started> {
        const ContainerPtr container = TRY(implementation_->find(container_id));
        const State state = container->state();
        const auto client = container->shim();
        if (!client || state.status != Status::Running)
            return fail(ErrorCode::Conflict, "container ", container_id, " is not running");
        if (options.console_size.first > 0) spec.console_size = options.console_size;
        implementation_->emit(*container, "exec_start: " + join(spec.args, " "),
                              {{"execID", exec_id}});
        const sys::Fd root =
            TRY(sys::open(concat("/proc/", state.pid, "/root"), O_PATH | O_DIRECTORY));
        const oci::RuntimeProcess process = TRY(plan_exec(*container->spec(), spec, root));
        const sys::Fd file = TRY(sys::memfd("berth-exec"));
        TRY(sys::write_all(file, oci::to_json(process)));
        shim::Exec request{.exec_id = exec_id, .tty = spec.tty, .attached = stream.has_value()};
        request.stream = {.stdin_ = spec.attach_stdin,
                          .stdout_ = spec.attach_stdout,
                          .stderr_ = spec.attach_stderr,
                          .multiplex = options.multiplex && !spec.tty,
                          .detach_keys = spec.detach_keys,
                          .early_input = options.early_input};
        std::vector<int> fds{file.get()};
        if (stream) fds.push_back(stream->get());
        return client->call<shim::Started>(request, fds);
    };
    auto started = run();
    auto execs = implementation_->execs_.lock();
    const auto found = execs->find(exec_id);
    if (found == execs->end()) return {};
    ExecRecord& record = found->second;
    if (started) {
        record.view.pid = started->pid;
        return {};
    }
    const std::string text = started.error().message();
    record.view.running = false;
    record.view.exit_code = text.find("executable file not found") != text.npos ||
                                    text.find("no such file") != text.npos
                                ? 127
                                : 126;
    record.ended = implementation_->clock_.now();
    return std::move(started).error();
}

Result<> Containers::exec_resize(const std::string& exec_id, int rows, int columns) {
    const ExecView view = TRY(exec_inspect(exec_id));
    const ContainerPtr container = TRY(implementation_->find(view.container_id));
    const auto client = container->shim();
    if (!client || !view.running)
        return fail(ErrorCode::Conflict, "exec ", exec_id, " is not running");
    return client->ask(shim::Resize{.exec_id = exec_id,
                                    .rows = static_cast<std::uint16_t>(rows),
                                    .columns = static_cast<std::uint16_t>(columns)});
}

Result<ExecView> Containers::exec_inspect(const std::string& exec_id) const {
    const auto look = [&]() -> Result<ExecView> {
        auto execs = implementation_->execs_.lock();
        // A prefix will do when it is the only one.
        const auto found = execs->lower_bound(exec_id);
        if (exec_id.empty() || found == execs->end() || !found->first.starts_with(exec_id))
            return fail(ErrorCode::NotFound, "No such exec instance: ", exec_id);
        return found->second.view;
    };
    const ExecView view = TRY(look());
    if (!view.running) return view;
    // Clients ask as soon as the stream has ended. The shim told the exit before that; its answer
    // comes after it.
    const auto container = implementation_->find(view.container_id);
    const auto client = container ? (*container)->shim() : nullptr;
    if (client)
        client->call<shim::State>(shim::Query{})
            .ignore("then the container has ended, and its processes with it");
    return look();
}

}  // namespace berth::container
