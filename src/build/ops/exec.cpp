// RUN: a root, its mounts, a process.
#include <filesystem>

#include "build/files/copy.h"
#include "build/ops/agent_relay.h"
#include "build/ops/layer_executor.h"
#include "sys/file.h"
#include "volume/host_ca.h"

namespace berth::build {

namespace {

// What the database's reserve has given back meanwhile (record/reserve.h) is no room.
bool is_full(const std::string& directory) {
    constexpr std::uintmax_t least_bytes = 512 << 10;
    std::error_code error;
    const auto space = std::filesystem::space(directory, error);
    return !error && space.available < least_bytes;
}

}  // namespace

/// What must live as long as the step.
struct LayerExecutor::StepMounts {
    std::vector<WorkRoot> writable_roots;
    std::vector<sys::TempDir> directories;
    std::vector<sys::DetachedMount> mounts;  // gone before the directories
    std::vector<snapshot::MountPlace::Point> points;
    std::vector<CacheMounts::Use> caches;
    std::vector<std::unique_ptr<AgentRelay>> agents;
};

Result<> LayerExecutor::run(const Vertex& vertex, const ExecOp& op, const std::vector<Tree>& inputs,
                            const WorkRoot& root, std::stop_token stop) {
    const auto& request = surroundings_.request;
    StepMounts mounts;
    container::StepRequest step;
    step.name = concat("build-", surroundings_.build_id, "-", vertex.step);
    step.root = TRY(sys::duplicate(root.mount.fd()));
    step.args = op.args;
    step.env = op.env;
    step.env.insert(step.env.end(), op.ignored_env.begin(), op.ignored_env.end());
    step.working_dir = op.working_dir;
    step.user = op.user;
    step.network = op.network == ExecNetwork::None   ? container::StepNetwork::None
                   : op.network == ExecNetwork::Host ? container::StepNetwork::Host
                                                     : request.network;
    step.extra_hosts = request.extra_hosts;
    step.privileged = op.insecure;
    step.shm_size = request.shm_size;
    step.memory = request.memory;
    step.memory_swap = request.memory_swap;
    step.cpuset_cpus = request.cpuset_cpus;
    step.cpu_shares = request.cpu_shares;
    step.cpu_quota = request.cpu_quota;
    step.cpu_period = request.cpu_period;
    step.output = [&](int stream, std::string_view bytes) {
        surroundings_.output(vertex, stream, bytes);
    };
    for (const auto& mount : op.mounts) TRY(add_mount(mount, inputs, step, mounts, stop));
    if (!op.script.empty()) TRY(add_script(op, step, mounts));
    if (request.host_ca) TRY(add_host_ca(step, root.mount.fd()));
    const std::string shown = join(op.args, " ");
    const container::StepServices services{.run_dir = surroundings_.services.run_dir + "/steps",
                                           .networks = surroundings_.services.networks,
                                           .libexec = {}};
    const int status = TRY(container::run_step(services, std::move(step), stop));
    if (status == 0) return {};
    surroundings_.command_failed(vertex, {.command = shown, .exit_status = status});
    // Asked while what the step wrote is still there. Many programs report a full disk as any I/O
    // error, or not at all.
    const std::string hint =
        is_full(surroundings_.temp_root)
            ? concat("no space left on device: the disk of ", surroundings_.temp_root,
                     " is full; `berth system prune` makes room")
            : "";
    return fail(ErrorCode::Conflict, "process \"", shown,
                "\" did not complete successfully: exit code: ", status)
        .with_hint(hint);
}

Result<> LayerExecutor::add_mount(const ExecMount& mount, const std::vector<Tree>& inputs,
                                  container::StepRequest& step, StepMounts& mounts,
                                  std::stop_token stop) {
    switch (mount.kind) {
        case ExecMountKind::Bind: return add_bind(mount, inputs[mount.input], step, mounts, stop);
        case ExecMountKind::Cache: return add_cache(mount, inputs, step, mounts, stop);
        case ExecMountKind::Tmpfs:
            step.tmpfs.push_back({.target = mount.target, .size_bytes = mount.size_bytes});
            return {};
        case ExecMountKind::Secret: return add_secret(mount, step);
        case ExecMountKind::Ssh: return add_agent(mount, step, mounts);
    }
    return {};
}

Result<> LayerExecutor::add_bind(const ExecMount& mount, const Tree& input,
                                 container::StepRequest& step, StepMounts& mounts,
                                 std::stop_token stop) {
    sys::Fd base;
    auto& driver = surroundings_.services.snapshots;
    std::vector<oci::Digest> layers;
    for (const auto& layer : input.layers) layers.push_back(layer.diff_id);
    if (input.local) {
        base = TRY(input.local->open(stop));
        if (!mount.read_only) {
            // What the step writes is thrown away: an overlay of its own over the files.
            mounts.directories.push_back(TRY(sys::TempDir::create(surroundings_.temp_root)));
            const std::string& directory = mounts.directories.back().path();
            TRY(sys::mkdir_all(directory + "/upper", 0755));
            TRY(sys::mkdir_all(directory + "/work", 0700));
            auto overlay =
                TRY(sys::make_mount("overlay", {{"lowerdir", concat("/proc/self/fd/", base.get())},
                                                {"upperdir", directory + "/upper"},
                                                {"workdir", directory + "/work"}}));
            mounts.points.push_back(TRY(driver.make_bindable(overlay)));
            base = TRY(sys::duplicate(overlay.fd()));
            mounts.mounts.push_back(std::move(overlay));
        }
    } else if (mount.read_only) {
        auto mounted = TRY(driver.mount_root({.layers = layers}));
        mounts.points.push_back(TRY(driver.make_bindable(mounted)));
        base = TRY(sys::duplicate(mounted.fd()));
        mounts.mounts.push_back(std::move(mounted));
    } else {
        auto writable = TRY(make_root(input.layers));
        mounts.points.push_back(TRY(driver.make_bindable(writable.mount)));
        base = TRY(sys::duplicate(writable.mount.fd()));
        mounts.writable_roots.push_back(std::move(writable));
    }
    auto source = TRY(sys::open_in_root(base, mount.source, O_PATH)
                          .context("mount ", mount.target, ": ", mount.source));
    step.binds.push_back(
        {.source = std::move(source), .target = mount.target, .read_only = mount.read_only});
    return {};
}

Result<> LayerExecutor::add_cache(const ExecMount& mount, const std::vector<Tree>& inputs,
                                  container::StepRequest& step, StepMounts& mounts,
                                  std::stop_token stop) {
    auto use =
        TRY(surroundings_.cache_mounts.acquire(mount, stop).context("cache mount ", mount.target));
    if (use.is_new() && mount.input) {
        const auto target = TRY(sys::open(use.path(), O_RDONLY | O_DIRECTORY));
        const CopyAction start{.sources = {mount.source}, .destination = "/"};
        TRY(copy(start, inputs[mount.input], target, stop)
                .context("first content of cache mount ", mount.target));
    }
    auto source = TRY(sys::open(use.path(), O_PATH | O_DIRECTORY));
    step.binds.push_back(
        {.source = std::move(source), .target = mount.target, .read_only = mount.read_only});
    mounts.caches.push_back(std::move(use));
    return {};
}

Result<> LayerExecutor::add_secret(const ExecMount& mount, container::StepRequest& step) {
    const auto& secrets = surroundings_.request.secrets;
    const auto found = secrets.find(mount.id);
    if (found == secrets.end()) {
        if (!mount.required) return {};
        return Error(ErrorCode::NotFound, concat("secret ", mount.id, ": not found"))
            .with_hint(concat("give it to the build: --secret id=", mount.id, ",src=FILE"));
    }
    if (!mount.env.empty()) step.env.push_back(concat(mount.env, "=", found->second));
    if (!mount.target.empty())
        step.secrets.push_back({.target = mount.target,
                                .content = found->second,
                                .uid = mount.uid,
                                .gid = mount.gid,
                                .mode = mount.mode});
    return {};
}

// What SSH_AUTH_SOCK names is the first agent's socket.
Result<> LayerExecutor::add_agent(const ExecMount& mount, container::StepRequest& step,
                                  StepMounts& mounts) {
    const auto& agents = surroundings_.request.ssh_agents;
    const auto found = agents.find(mount.id);
    if (found == agents.end()) {
        if (!mount.required) return {};
        return Error(ErrorCode::NotFound, concat("ssh agent ", mount.id, ": not found"))
            .with_hint(concat("forward it to the build: --ssh ", mount.id));
    }
    mounts.directories.push_back(TRY(sys::TempDir::create(surroundings_.temp_root)));
    const std::string path = mounts.directories.back().path() + "/agent";
    mounts.agents.push_back(TRY(AgentRelay::open({.path = path,
                                                  .agent = found->second,
                                                  .uid = mount.uid,
                                                  .gid = mount.gid,
                                                  .mode = mount.mode})));
    auto source = TRY(sys::open(path, O_PATH));
    step.binds.push_back({.source = std::move(source), .target = mount.target});
    if (mounts.agents.size() == 1) step.env.push_back(concat("SSH_AUTH_SOCK=", mount.target));
    return {};
}

// A heredoc with an interpreter of its own: a file that exists for the time of the command.
Result<> LayerExecutor::add_script(const ExecOp& op, container::StepRequest& step,
                                   StepMounts& mounts) {
    mounts.directories.push_back(TRY(sys::TempDir::create(surroundings_.temp_root)));
    const std::string path = mounts.directories.back().path() + "/script";
    {
        const auto file = TRY(sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0700));
        TRY(sys::write_all(file, op.script));
        TRY(sys::fchmod(file, 0755));
    }
    auto source = TRY(sys::open(path, O_PATH));
    step.binds.push_back(
        {.source = std::move(source), .target = op.script_path, .read_only = true});
    return {};
}

Result<> LayerExecutor::add_host_ca(container::StepRequest& step, sys::BorrowedFd root) {
    const auto plan =
        TRY(volume::plan_host_ca(root, {.overlay_bundles = false}).context("host CA"));
    auto bundle = TRY(sys::open(plan.bundle, O_PATH));
    step.binds.push_back({.source = std::move(bundle), .target = plan.target, .read_only = true});
    for (const auto& [name, value] : plan.environment) {
        const std::string prefix = name + "=";
        bool is_set = false;
        for (const auto& line : step.env) is_set = is_set || line.starts_with(prefix);
        if (!is_set) step.env.push_back(prefix + value);
    }
    return {};
}

}  // namespace berth::build
