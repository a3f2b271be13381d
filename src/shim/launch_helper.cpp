#include "shim/launch_helper.h"

#include <unistd.h>

#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace berth::shim {
namespace {

constexpr std::size_t max_spec_bytes = 4 << 20;

/// What the helper tells of the process it made; the terminal travels as a descriptor.
struct ExecReport {
    static constexpr MessageType type = MessageType::Started;
    std::int32_t pid = 0;
    std::uint8_t code = 0;
    std::string error;
    template <typename V>
    void fields(V& v) {
        v(1, pid), v(2, code), v(3, error);
    }
};

Result<oci::RuntimeSpec> load_spec(const std::string& path) {
    const std::string text = TRY(sys::read_file(path, max_spec_bytes));
    return oci::parse_runtime_spec(text);
}

Result<oci::RuntimeProcess> load_process(const ExecRequest& request, const oci::RuntimeSpec& spec) {
    if (request.process_file >= 0) {
        const sys::Fd file = TRY(sys::reopen(request.process_file, O_RDONLY));
        const std::string text = TRY(sys::read_all(file, max_spec_bytes));
        return oci::parse_runtime_process(text);
    }
    oci::RuntimeProcess process = spec.process.value_or(oci::RuntimeProcess{});
    process.terminal = false;
    process.args = request.command;
    return process;
}

Result<runtime::Launched> exec_as_sibling(const ExecRequest& request) {
    const oci::RuntimeSpec spec = TRY(load_spec(request.configure->spec_path));
    const oci::RuntimeProcess process = TRY(load_process(request, spec));
    const sys::CgroupLayout layout = TRY(sys::cgroup_layout());
    const sys::Cgroup cgroup = TRY(sys::Cgroup::open(layout, request.configure->cgroup));
    return runtime::exec_in(request.init, process,
                            {.streams = request.streams,
                             .cgroup = &cgroup,
                             .spec = &spec,
                             .seccomp_cache = request.configure->seccomp_cache,
                             .as_sibling = true});
}

// The helper: never returns into the shim's code.
[[noreturn]] void run_exec_helper(const ExecRequest& request, sys::BorrowedFd channel) {
    auto launched = exec_as_sibling(request);
    ExecReport report;
    sys::Fd terminal;
    if (launched) {
        report.pid = launched->pid();
        terminal = launched->take_terminal();
    } else {
        report.code = static_cast<std::uint8_t>(launched.error().code());
        report.error = launched.error().message();
    }
    const int number = terminal.get();
    sys::send_message(channel, encode(report),
                      terminal ? std::span(&number, 1) : std::span<const int>())
        .ignore("the shim is gone then");
    ::_exit(0);
}

}  // namespace

void own_streams(const Configure& configure, const std::array<int, 3>& streams) {
    for (const int stream : streams) {
        if (configure.ids == 0 || stream < 0) continue;
        sys::fchown(sys::BorrowedFd(stream), configure.first_id, configure.first_id)
            .ignore("then it is written to all the same");
    }
}

Result<runtime::Launched> launch_container(const LaunchRequest& request) {
    const Configure& configure = *request.configure;
    std::optional<sys::Cgroup> cgroup;
    runtime::LaunchOptions options{.root_mount = request.root_mount,
                                   .bundle = configure.directory,
                                   .id = configure.id,
                                   .streams = request.streams,
                                   .network_namespace = request.network_namespace,
                                   .user_namespace = request.user_namespace,
                                   .seccomp_cache = configure.seccomp_cache};
    // Runs in the helper, before launch() looks at the options: the cgroup is made there.
    const auto load = [&]() -> Result<oci::RuntimeSpec> {
        oci::RuntimeSpec spec = TRY(load_spec(configure.spec_path));
        cgroup = TRY(runtime::make_cgroup(spec, configure.cgroup));
        options.cgroup = &*cgroup;
        return spec;
    };
    return runtime::launch_in_helper(load, options);
}

Result<runtime::Launched> launch_exec(const ExecRequest& request) {
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketKind::SeqPacket));
    const sys::Child helper = TRY(sys::clone_process({}));
    if (helper.pid == 0) run_exec_helper(request, theirs);
    theirs.close();
    std::array<std::byte, 8192> buffer;
    auto received = sys::receive_message(ours, buffer);
    helper.pidfd.wait().ignore("it has told all it knows");
    if (!received || received->size == 0)
        return fail(ErrorCode::Internal, "exec: the helper process died");
    const auto message = TRY(parse_header(as_text(std::span(buffer).first(received->size))));
    const ExecReport report = TRY(decode<ExecReport>(message.second));
    if (report.pid == 0) return Error(static_cast<ErrorCode>(report.code), report.error);
    runtime::Launched launched;
    launched.child_.pid = report.pid;
    launched.child_.pidfd = TRY(sys::Pidfd::open(report.pid));
    if (!received->fds.empty()) launched.terminal_ = std::move(received->fds.front());
    return launched;
}

}  // namespace berth::shim
