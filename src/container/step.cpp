#include "container/step.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "base/guarded.h"
#include "base/path.h"
#include "base/random.h"
#include "container/host_files.h"
#include "container/implementation_internal.h"
#include "container/runtime_plan.h"
#include "network/manager.h"
#include "shim/run_directory.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/socket.h"

// A step is a container without a row: its own shim, which leaves with it, a root that belongs to
// the caller, and output that comes back over a socket. Whatever mounting needs in the root (empty
// files and directories as targets) is noted before and taken away afterwards, so that it does not
// become part of the layer.
namespace berth::container {
namespace {

std::string find_libexec(const std::string& given) {
    if (!given.empty()) return given;
    if (const char* set = std::getenv("BERTH_LIBEXEC"); set != nullptr && *set != '\0') return set;
    const std::string self = sys::readlink("/proc/self/exe").value_or("/usr/bin/berthd");
    return self.substr(0, self.rfind('/'));
}

struct Ended {
    std::optional<shim::Exited> exited;
    bool gone = false;
};

/// Mount targets that were made for the step, to be removed after it.
class MadeTargets {
public:
    explicit MadeTargets(sys::BorrowedFd root) : root_(root) {}

    /// Makes `target` as a directory or an empty file unless it is there.
    Result<> make(const std::string& target, bool is_directory) {
        const std::string clean = clean_absolute_path(target);
        if (sys::open_in_root(root_, clean, O_PATH)) return {};
        const std::size_t slash = clean.rfind('/');
        const std::string parent = clean.substr(0, std::max<std::size_t>(slash, 1));
        const std::string name = clean.substr(slash + 1);
        if (parent != "/") TRY(make(parent, true));
        const sys::Fd directory = TRY(sys::open_in_root(root_, parent, O_RDONLY | O_DIRECTORY));
        const struct stat before = TRY(sys::fstat(directory));
        if (is_directory) {
            TRY(sys::mkdir_at(directory, name, 0755));
        } else {
            const sys::Fd file =
                TRY(sys::open_beneath(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0644));
        }
        sys::set_times(directory, before.st_atim, before.st_mtim).ignore("the time of a directory");
        made_.push_back({parent, name, is_directory});
        return {};
    }
    /// Removes what is still as empty as it was made.
    void remove() {
        for (auto target = made_.rbegin(); target != made_.rend(); ++target) {
            const auto directory = sys::open_in_root(root_, target->parent, O_RDONLY | O_DIRECTORY);
            if (!directory) continue;
            const auto before = sys::fstat(*directory);
            if (!target->is_directory) {
                const auto about = sys::fstatat(*directory, target->name, AT_SYMLINK_NOFOLLOW);
                if (!about || !S_ISREG(about->st_mode) || about->st_size != 0) continue;
            }
            if (!sys::unlink_at(*directory, target->name, target->is_directory ? AT_REMOVEDIR : 0))
                continue;
            if (before)
                sys::set_times(*directory, before->st_atim, before->st_mtim)
                    .ignore("the time of a directory");
        }
        made_.clear();
    }
    ~MadeTargets() { remove(); }

private:
    struct Target {
        std::string parent, name;
        bool is_directory;
    };
    sys::BorrowedFd root_;
    std::vector<Target> made_;
};

bool is_directory(sys::BorrowedFd fd) {
    const auto about = sys::fstat(fd);
    return about && S_ISDIR(about->st_mode);
}

/// Everything of one step that has to be undone.
class Step {
public:
    Step(const StepServices& services, StepRequest& request)
        : services_(services),
          request_(request),
          id_(random_hex(32)),
          directory_(concat(services.run_dir, "/", id_)),
          targets_(request.root) {}
    ~Step() {
        targets_.remove();
        if (services_.networks != nullptr)
            services_.networks->release(id_).ignore("reconciled at the next start of the engine");
        shim::remove_run_directory(directory_).ignore("lies in the run directory");
    }

    Result<int> run(std::stop_token stop);

private:
    Result<oci::RuntimeSpec> plan();
    Result<> add_mounts(std::vector<oci::RuntimeMount>& mounts);
    Result<> add_files(RuntimeFacts& facts);
    Result<> connect(shim::Client& client, std::vector<sys::Fd>& namespaces);
    Result<int> follow(sys::Fd stream, shim::Client& client, std::stop_token stop);
    Result<> read_output(sys::BorrowedFd stream);

    const StepServices& services_;
    StepRequest& request_;
    const std::string id_, directory_;
    MadeTargets targets_;
    Guarded<Ended> ended_;
    ContainerSpec spec_;
    std::string cgroup_;
};

Result<> Step::add_mounts(std::vector<oci::RuntimeMount>& mounts) {
    for (const StepBind& bind : request_.binds) {
        // The descriptor is ours and stays open; the shim's helper opens it through our process.
        const std::string source = concat("/proc/", ::getpid(), "/fd/", bind.source.get());
        TRY(targets_.make(bind.target, is_directory(bind.source)));
        mounts.push_back({clean_absolute_path(bind.target),
                          "bind",
                          source,
                          {"rbind", "rprivate", bind.read_only ? "rro" : "rw"},
                          {},
                          {}});
    }
    for (const StepTmpfs& tmpfs : request_.tmpfs) {
        TRY(targets_.make(tmpfs.target, true));
        std::vector<std::string> options{"nosuid", "nodev", "mode=1777"};
        if (tmpfs.size_bytes > 0) options.push_back(concat("size=", tmpfs.size_bytes));
        mounts.push_back(
            {clean_absolute_path(tmpfs.target), "tmpfs", "tmpfs", std::move(options), {}, {}});
    }
    int number = 0;
    for (const StepSecret& secret : request_.secrets) {
        const std::string path = concat(directory_, "/secret-", number++);
        const sys::Fd file = TRY(sys::open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
        TRY(sys::write_all(file, secret.content));
        TRY(sys::fchown(file, secret.uid, secret.gid));
        TRY(sys::fchmod(file, secret.mode));
        TRY(targets_.make(secret.target, false));
        mounts.push_back({clean_absolute_path(secret.target),
                          "bind",
                          path,
                          {"bind", "rprivate", "ro", "nosuid", "nodev", "noexec"},
                          {},
                          {}});
    }
    return {};
}

Result<> Step::add_files(RuntimeFacts& facts) {
    std::vector<HostsEntry> entries;
    for (auto [name, address] : request_.extra_hosts) {
        if (address == "host-gateway" && services_.networks != nullptr)
            address = services_.networks->host_gateway().to_string();
        entries.push_back({address, {name}});
    }
    ResolverConfig config = host_resolver_config();
    if (request_.network == StepNetwork::Bridge) {
        const ResolverConfig reachable = without_loopback(config);
        config.servers =
            reachable.servers.empty() ? std::vector<std::string>{"127.0.0.11"} : reachable.servers;
    }
    facts.hosts_path = directory_ + "/hosts";
    facts.resolv_conf_path = directory_ + "/resolv.conf";
    TRY(write_plain_file(facts.hosts_path, make_hosts(entries)));
    TRY(write_plain_file(facts.resolv_conf_path, make_resolv_conf(config)));
    TRY(targets_.make("/etc/hosts", false));
    return targets_.make("/etc/resolv.conf", false);
}

Result<oci::RuntimeSpec> Step::plan() {
    spec_.cmd = request_.args;
    spec_.env = request_.env;
    spec_.working_dir = request_.working_dir;
    spec_.user = request_.user;
    spec_.hostname = request_.hostname;
    spec_.host.privileged = request_.privileged;
    spec_.host.shm_size = request_.shm_size;
    spec_.host.network_mode = request_.network == StepNetwork::Host   ? "host"
                              : request_.network == StepNetwork::None ? "none"
                                                                      : "bridge";
    Resources& resources = spec_.host.resources;
    resources.memory = request_.memory;
    resources.memory_swap = request_.memory_swap;
    resources.cpuset_cpus = request_.cpuset_cpus;
    resources.cpu_shares = request_.cpu_shares;
    resources.cpu_quota = request_.cpu_quota;
    resources.cpu_period = request_.cpu_period;
    RuntimeFacts facts;
    facts.id = id_;
    facts.cgroup_path = cgroup_;
    const AccountFiles accounts = TRY(read_account_files(request_.root));
    facts.user = TRY(resolve_user(accounts, request_.user));
    TRY(add_mounts(facts.mounts));
    TRY(add_files(facts));
    for (const char* place : {"/proc", "/dev", "/sys"}) TRY(targets_.make(place, true));
    if (!spec_.working_dir.empty())
        TRY(make_directory_in_root(request_.root, clean_absolute_path(spec_.working_dir))
                .context("working directory"));
    oci::RuntimeSpec out = TRY(plan_runtime(spec_, facts));
    // A build must not see a name that differs from run to run.
    std::erase_if(out.process->env, [&](const std::string& line) {
        return line.starts_with("HOSTNAME=") &&
               std::ranges::find(request_.env, line) == request_.env.end();
    });
    return out;
}

Result<> Step::connect(shim::Client& client, std::vector<sys::Fd>& namespaces) {
    if (request_.network != StepNetwork::Bridge || services_.networks == nullptr ||
        namespaces.size() != 2)
        return {};
    network::EndpointRequest request{.network = "bridge",
                                     .container_id = id_,
                                     .container_name = request_.name,
                                     .hostname = request_.hostname};
    TRY(services_.networks->connect(request, namespaces[0], namespaces[1]));
    shim::Names names;
    names.servers = host_resolver_config().servers;
    return client.ask(names);
}

// Docker's frames: stream number, three zeros, length in network order.
Result<> Step::read_output(sys::BorrowedFd stream) {
    std::vector<std::byte> buffer(64 * 1024);
    while (true) {
        std::array<std::byte, 8> header;
        const std::size_t first = TRY(sys::read(stream, header));
        if (first == 0) return {};
        TRY(sys::read_exact(stream, std::span(header).subspan(first)));
        std::size_t size = 0;
        for (int i = 4; i < 8; ++i) size = size << 8 | std::to_integer<std::size_t>(header[i]);
        while (size > 0) {
            const auto piece = std::span(buffer).first(std::min(size, buffer.size()));
            const std::size_t got = TRY(sys::read(stream, piece));
            if (got == 0) return fail(ErrorCode::Corrupted, "a step's output was cut short");
            if (request_.output)
                request_.output(std::to_integer<int>(header[0]), as_text(piece.first(got)));
            size -= got;
        }
    }
}

Result<int> Step::follow(sys::Fd stream, shim::Client& client, std::stop_token stop) {
    const std::stop_callback on_stop(stop, [&] {
        client.ask(shim::Signal{.signal = SIGKILL, .manual_stop = true})
            .ignore("it has ended in this moment");
    });
    TRY(read_output(stream));
    auto ended = ended_.lock();
    ended.wait(std::stop_token(), [](const Ended& now) { return now.exited || now.gone; });
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "the step was interrupted");
    if (!ended->exited) return fail(ErrorCode::Internal, "the step's shim died");
    if (ended->exited->oom_killed) {
        if (request_.output)
            request_.output(2, "berth: a process of this step was killed for want of memory\n");
    }
    return ended->exited->code;
}

Result<int> Step::run(std::stop_token stop) {
    TRY(sys::mkdir_all(directory_, 0700));
    cgroup_ = concat("/berth/step-", id_.substr(0, 16));
    const oci::RuntimeSpec planned = TRY(plan());
    TRY(write_plain_file(directory_ + "/config.json", oci::to_json(planned)));
    const auto hub =
        TRY(shim::Hub::open(find_libexec(services_.libexec) + "/berth-shim",
                            [&](const std::string&, const shim::Message* event) {
                                auto ended = ended_.lock();
                                if (event == nullptr) {
                                    ended->gone = true;
                                } else if (event->header.type ==
                                           static_cast<std::uint16_t>(shim::MessageType::Exited)) {
                                    if (auto exited = shim::decode<shim::Exited>(event->body))
                                        ended->exited = *exited;
                                }
                                ended_.notify_all();
                            }));
    const bool own_network = request_.network != StepNetwork::Host;
    const auto client = TRY(hub->spawn(id_, directory_ + "/shim",
                                       {.network_namespace = own_network, .cgroup = cgroup_}));
    shim::Configure settings{.id = id_,
                             .directory = directory_,
                             .spec_path = directory_ + "/config.json",
                             .own_netns = own_network,
                             .resolver = request_.network == StepNetwork::Bridge,
                             .cgroup = cgroup_,
                             .root_wants_place = !sys::can_copy_detached_mounts()};
    const int root = request_.root.get();
    std::vector<sys::Fd> namespaces;
    const auto begin = [&]() -> Result<sys::Fd> {
        TRY(client->call<shim::Ready>(settings, std::span(&root, 1), &namespaces));
        TRY(connect(*client, namespaces));
        auto [ours, theirs] = TRY(sys::socket_pair());
        const int stream = theirs.get();
        TRY(client->ask(shim::Attach{.stdout_ = true, .stderr_ = true, .multiplex = true},
                        std::span(&stream, 1)));
        TRY(client->call<shim::Started>(shim::Start{}));
        return std::move(ours);
    };
    const auto act = [&]() -> Result<int> {
        sys::Fd stream = TRY(begin());
        namespaces.clear();
        return follow(std::move(stream), *client, stop);
    };
    auto result = act();
    // The hub is this step's own: nobody else would take the shim off the process table.
    client->ask(shim::Quit{}).ignore("it has gone by itself");
    hub->wait_for_children();
    return result;
}

}  // namespace

Result<int> run_step(const StepServices& services, StepRequest request, std::stop_token stop) {
    if (request.args.empty()) return fail(ErrorCode::InvalidArgument, "a step needs a command");
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "the step was interrupted");
    Step step(services, request);
    return step.run(stop);
}

}  // namespace berth::container
