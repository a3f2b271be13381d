#include "sys/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>

#include "base/text.h"
#include "sys/cgroup_internal.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace berth::sys {

std::string CgroupHierarchy::name() const {
    if (is_v2) return "unified";
    std::string joined = join(controllers, ",");
    return joined.starts_with("name=") ? joined.substr(5) : joined;
}

bool CgroupHierarchy::has(std::string_view controller) const {
    if (is_v2 && (controller.empty() || controller == "unified")) return true;
    return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

bool CgroupLayout::is_v2_only() const {
    return hierarchies.size() == 1 && hierarchies.front().is_v2;
}

const CgroupHierarchy* CgroupLayout::find(std::string_view controller) const {
    for (const auto& hierarchy : hierarchies) {
        if (hierarchy.has(controller)) return &hierarchy;
    }
    return nullptr;
}

const CgroupHierarchy* CgroupLayout::unified() const { return find(""); }

namespace {

bool is_v1_controller(const std::string& option) {
    static constexpr std::string_view known[] = {
        "cpu",  "cpuacct", "cpuset",   "memory",  "devices",    "freezer", "blkio",
        "pids", "net_cls", "net_prio", "hugetlb", "perf_event", "rdma",    "misc"};
    return option.starts_with("name=") ||
           std::find(std::begin(known), std::end(known), option) != std::end(known);
}

}  // namespace

CgroupLayout parse_cgroup_layout(std::string_view mountinfo) {
    CgroupLayout layout;
    for (auto& entry : parse_mountinfo(mountinfo)) {
        CgroupHierarchy hierarchy{.mount_point = entry.target, .root = entry.root};
        if (entry.type == "cgroup2") {
            hierarchy.is_v2 = true;
        } else if (entry.type == "cgroup") {
            for (auto& option : split(entry.super_options, ',')) {
                if (is_v1_controller(option)) hierarchy.controllers.push_back(std::move(option));
            }
            if (hierarchy.controllers.empty()) continue;
        } else {
            continue;
        }
        // The same hierarchy mounted again elsewhere (in a container's tree, say) adds nothing.
        const auto& first = hierarchy.is_v2 ? std::string() : hierarchy.controllers.front();
        if (layout.find(first) == nullptr) layout.hierarchies.push_back(std::move(hierarchy));
    }
    return layout;
}

Result<CgroupLayout> cgroup_layout() {
    static std::mutex mutex;
    static std::optional<CgroupLayout> known;
    const std::lock_guard lock(mutex);
    if (known) return *known;
    CgroupLayout layout = parse_cgroup_layout(TRY(read_file("/proc/self/mountinfo")));
    if (layout.hierarchies.empty())
        return Result<CgroupLayout>(fail(ErrorCode::Unsupported, "no cgroup hierarchy is mounted"))
            .hint("mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
    known = layout;
    return layout;
}

namespace {

std::string normal_path(const std::string& path) {
    std::string out;
    for (const auto& part : split(path, '/')) {
        if (!part.empty() && part != "." && part != "..") out += '/' + part;
    }
    return out;
}

// A new v1 cpuset is empty and takes no process until it has processors and memory nodes: its
// parent's.
Result<> inherit_cpuset(const std::string& directory) {
    for (const std::string file : {"/cpuset.cpus", "/cpuset.mems"}) {
        const std::string own = TRY(read_file(directory + file));
        if (!trim(own).empty()) continue;
        const auto parent = TRY(read_file(directory.substr(0, directory.rfind('/')) + file));
        TRY(write_file(directory + file, trim(parent)));
    }
    return {};
}

// Children of a v2 cgroup get only the controllers that their parent hands down.
void enable_controllers(const std::string& directory) {
    auto available = read_file(directory + "/cgroup.controllers");
    if (available.is_error()) return;
    for (const auto& controller : split(trim(*available), ' ')) {
        if (controller.empty()) continue;
        write_file(directory + "/cgroup.subtree_control", "+" + controller)
            .ignore(
                "a controller in use by a v1 hierarchy, or a threaded one, cannot be handed down");
    }
}

Result<> make_directory(const CgroupHierarchy& hierarchy, const std::string& path,
                        bool is_only_hierarchy) {
    std::string directory = hierarchy.mount_point;
    const bool is_cpuset = hierarchy.has("cpuset") && !hierarchy.is_v2;
    // The common case first: the parents exist, and one system call makes the cgroup.
    if (!is_cpuset && !hierarchy.is_v2 && ::mkdir((directory + path).c_str(), 0755) == 0) return {};
    for (const auto& part : split(path.substr(1), '/')) {
        // Beside v1 hierarchies the v2 one only groups processes; a controller enabled there is
        // lost to v1 for good.
        if (is_only_hierarchy && hierarchy.is_v2) enable_controllers(directory);
        directory += '/' + part;
        const bool made = ::mkdir(directory.c_str(), 0755) == 0;
        if (!made && errno != EEXIST)
            return Error::from_errno("mkdir", errno).with_context(directory);
        if (is_cpuset) TRY(inherit_cpuset(directory));
    }
    return {};
}

bool is_directory(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// "/docker/abc/x" shown under a mount whose root is "/docker/abc" is "/x" there.
std::string below_root(const std::string& path, const std::string& root) {
    if (root == "/") return path == "/" ? "" : path;
    if (path == root) return "";
    return path.starts_with(root + "/") ? path.substr(root.size()) : path;
}

}  // namespace

Result<Cgroup> Cgroup::create(const CgroupLayout& layout, const std::string& path) {
    Cgroup cgroup;
    cgroup.path_ = normal_path(path);
    if (cgroup.path_.empty())
        return fail(ErrorCode::InvalidArgument, "the path of a cgroup is empty: ", path);
    for (const auto& hierarchy : layout.hierarchies) {
        TRY(make_directory(hierarchy, cgroup.path_, layout.is_v2_only())
                .context("make cgroup ", cgroup.path_));
        cgroup.places_.push_back(
            {.hierarchy = hierarchy, .directory = hierarchy.mount_point + cgroup.path_});
    }
    return cgroup;
}

Result<Cgroup> Cgroup::open(const CgroupLayout& layout, const std::string& path) {
    Cgroup cgroup;
    cgroup.path_ = normal_path(path);
    for (const auto& hierarchy : layout.hierarchies) {
        std::string directory = hierarchy.mount_point + cgroup.path_;
        if (is_directory(directory))
            cgroup.places_.push_back({.hierarchy = hierarchy, .directory = std::move(directory)});
    }
    if (cgroup.places_.empty()) return fail(ErrorCode::NotFound, "no such cgroup: ", path);
    return cgroup;
}

Result<Cgroup> Cgroup::of_process(const CgroupLayout& layout, pid_t pid) {
    const std::string text = TRY(read_file(concat("/proc/", pid, "/cgroup")));
    Cgroup cgroup;
    for (const auto& line : split(text, '\n')) {
        // "4:memory:/path", and "0::/path" for v2; the path may hold colons.
        const auto first = split_once(line, ':');
        if (!first) continue;
        const auto second = split_once(first->second, ':');
        if (!second) continue;
        const std::string controller(second->first.substr(0, second->first.find(',')));
        const CgroupHierarchy* hierarchy = layout.find(controller);
        if (!hierarchy) continue;
        const std::string path = below_root(std::string(second->second), hierarchy->root);
        if (cgroup.path_.empty()) cgroup.path_ = path;
        cgroup.places_.push_back(
            {.hierarchy = *hierarchy, .directory = hierarchy->mount_point + path});
    }
    return cgroup;
}

namespace {

// "/a/./b/../c" as "/a/c"; nullopt when it leads above its beginning. Compared by parts: a sibling
// whose name begins alike is no cgroup below.
std::optional<std::string> inner_path(const std::string& path) {
    std::vector<std::string> kept;
    for (auto& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            kept.push_back(std::move(part));
        } else if (kept.empty()) {
            return std::nullopt;
        } else {
            kept.pop_back();
        }
    }
    std::string out;
    for (const auto& part : kept) out += '/' + part;
    return out;
}

}  // namespace

Result<Cgroup> Cgroup::below(
    const std::vector<std::pair<std::string, std::string>>& path_by_controller) const {
    Cgroup out = *this;
    std::vector<bool> is_moved(places_.size());
    for (const auto& [controller, path] : path_by_controller) {
        const auto inner = inner_path(path);
        if (!inner) return fail(ErrorCode::InvalidArgument, path, " is not a sub cgroup path");
        bool found = false;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const auto& hierarchy = places_[i].hierarchy;
            if (!controller.empty() && !hierarchy.has(controller)) continue;
            found = true;
            const std::string directory = places_[i].directory + *inner;
            if (is_moved[i] && out.places_[i].directory != directory)
                return fail(ErrorCode::InvalidArgument, "the hierarchy ", hierarchy.name(),
                            " has one cgroup for all its controllers");
            if (!is_directory(directory))
                return fail(ErrorCode::NotFound, directory, ": no such file or directory");
            out.places_[i].directory = directory;
            is_moved[i] = true;
        }
        if (!found) return fail(ErrorCode::NotFound, "unknown controller ", controller);
    }
    return out;
}

std::string Cgroup::directory(std::string_view controller) const {
    for (const auto& place : places_) {
        if (place.hierarchy.has(controller)) return place.directory;
    }
    // On a v2-only machine every controller lives in the one hierarchy.
    return places_.size() == 1 && places_.front().hierarchy.is_v2 ? places_.front().directory
                                                                  : std::string();
}

Result<> Cgroup::add_process(pid_t pid) const {
    for (const auto& place : places_)
        TRY(write_file(place.directory + "/cgroup.procs", std::to_string(pid))
                .context("join cgroup"));
    return {};
}

Result<std::vector<Fd>> Cgroup::open_join_files() const {
    std::vector<Fd> files;
    for (const auto& place : places_) {
        if (place.hierarchy.is_v2) continue;
        files.push_back(TRY(sys::open(place.directory + "/tasks", O_WRONLY)));
    }
    return files;
}

Result<> Cgroup::join(const std::vector<Fd>& files) {
    for (const auto& file : files) {
        if (::write(file.get(), "0", 1) < 0)
            return Error::from_errno("write", errno).with_context("join cgroup");
    }
    return {};
}

Result<Fd> Cgroup::open_v2_directory() const {
    for (const auto& place : places_) {
        if (place.hierarchy.is_v2) return sys::open(place.directory, O_RDONLY | O_DIRECTORY);
    }
    return Fd();
}

Result<> Cgroup::write(std::string_view controller, const std::string& file,
                       std::string_view value) const {
    const std::string folder = directory(controller);
    if (folder.empty())
        return fail(ErrorCode::NotFound, "the cgroup controller ", controller, " is not mounted");
    return write_file(folder + '/' + file, value).context("set ", file, " to ", value);
}

Result<std::string> Cgroup::read(std::string_view controller, const std::string& file) const {
    const std::string folder = directory(controller);
    if (folder.empty())
        return fail(ErrorCode::NotFound, "the cgroup controller ", controller, " is not mounted");
    return read_file(folder + '/' + file);
}

namespace {

Result<> collect_processes(const std::string& directory, std::vector<pid_t>& pids) {
    auto text = read_file(directory + "/cgroup.procs");
    // ENODEV, ENOENT: removed meanwhile. EOPNOTSUPP: a threaded v2 cgroup; its processes count in
    // its domain.
    if (text.is_error()) return {};
    for (const auto& line : split(*text, '\n')) {
        if (const auto pid = parse_int(line)) pids.push_back(static_cast<pid_t>(*pid));
    }
    auto entries = list_dir(directory);
    if (entries.is_error()) return {};
    for (const auto& entry : *entries) {
        if (entry.type == DT_DIR) TRY(collect_processes(directory + '/' + entry.name, pids));
    }
    return {};
}

void pause_a_millisecond() {
    const timespec millisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&millisecond, nullptr);
}

// Processes that were killed leave their cgroup a moment later, and the kernel offers no event for
// that on v1.
constexpr int removal_patience_ms = 1000;

}  // namespace

Result<std::vector<pid_t>> Cgroup::processes() const {
    std::vector<pid_t> pids;
    if (places_.empty()) return pids;
    // Every process of ours is in every hierarchy, so the narrowest one, i.e. any, tells.
    std::string folder = directory("devices");
    if (folder.empty()) folder = directory("memory");
    if (folder.empty()) folder = places_.front().directory;
    TRY(collect_processes(folder, pids));
    return pids;
}

Result<> Cgroup::kill_all(int signal) const {
    const std::string v2 = directory("");
    if (signal == SIGKILL && !v2.empty() && places_.size() == 1 &&
        write_file(v2 + "/cgroup.kill", "1")) {
        // cgroup.kill reaches everything at once, new children too (Linux 5.14).
    }
    for (int attempt = 0; attempt < removal_patience_ms; ++attempt) {
        const auto pids = TRY(processes());
        if (pids.empty()) return {};
        for (const pid_t pid : pids) {
            if (pid > 0) ::kill(pid, signal);
        }
        if (signal != SIGKILL) return {};
        if (attempt == 0)
            thaw().ignore(
                "a frozen process dies once it is thawed; without a freezer none is frozen");
        pause_a_millisecond();
    }
    return fail(ErrorCode::TimedOut, "processes of cgroup ", path_, " do not die");
}

namespace {

Result<> remove_directory(const std::string& directory) {
    for (int attempt = 0;; ++attempt) {
        if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
        const int error = errno;
        if (error != EBUSY) return Error::from_errno("rmdir", error).with_context(directory);
        // EBUSY stands for children as well as for processes.
        auto entries = list_dir(directory);
        if (entries.is_error()) return std::move(entries).error();
        bool has_children = false;
        for (const auto& entry : *entries) {
            if (entry.type != DT_DIR) continue;
            has_children = true;
            TRY(remove_directory(directory + '/' + entry.name));
        }
        if (has_children) continue;
        std::vector<pid_t> pids;
        TRY(collect_processes(directory, pids));
        if (!pids.empty() && attempt >= removal_patience_ms / 20)
            return Error::from_errno("rmdir", error).with_context(directory);
        if (attempt >= removal_patience_ms)
            return Error::from_errno("rmdir", error).with_context(directory);
        pause_a_millisecond();
    }
}

}  // namespace

Result<> Cgroup::remove() const {
    Result<> outcome;
    for (const auto& place : places_) {
        if (place.directory == place.hierarchy.mount_point) continue;
        Result<> removed = remove_directory(place.directory);
        if (removed.is_error() && outcome) outcome = std::move(removed);
    }
    return outcome;
}

Result<> Cgroup::freeze() const { return set_frozen(*this, true); }
Result<> Cgroup::thaw() const { return set_frozen(*this, false); }

}  // namespace berth::sys
