#include "runtime/command/container_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "codec/json.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/process.h"

namespace berth::runtime {

std::string_view to_string(ContainerStatus status) {
    switch (status) {
        case ContainerStatus::Created: return "created";
        case ContainerStatus::Running: return "running";
        case ContainerStatus::Paused: return "paused";
        case ContainerStatus::Stopped: return "stopped";
    }
    return "stopped";
}

namespace {

bool is_valid_id(const std::string& id) {
    const auto is_allowed = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '+' || c == '-' || c == '.';
    };
    return !id.empty() && id.size() <= 1024 && id.front() != '.' &&
           std::all_of(id.begin(), id.end(), is_allowed);
}

Result<> check_id(const std::string& id) {
    if (is_valid_id(id)) return {};
    return fail(ErrorCode::InvalidArgument, "invalid container id format: \"", id, "\"");
}

// Beside and renamed: readers see all or nothing. No fsync: no container outlives the machine.
Result<> replace_file(const std::string& path, std::string_view text) {
    const std::string aside = path + ".new";
    const sys::Fd file = TRY(sys::open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    TRY(sys::write_all(file, text));
    return sys::rename(aside, path);
}

std::string to_json(const ContainerState& state) {
    codec::Json out = {{"version", 1},
                       {"id", state.id},
                       {"pid", state.pid},
                       {"start_time", state.start_time},
                       {"bundle", state.bundle},
                       {"rootfs", state.rootfs},
                       {"created", state.created},
                       {"cgroup", state.cgroup},
                       {"owner", state.owner}};
    for (const auto& [key, value] : state.annotations) out["annotations"][key] = value;
    return codec::dump_json(out);
}

}  // namespace

Result<> StateStore::reserve(const std::string& id) const {
    TRY(check_id(id));
    Result<> made = sys::mkdir_at(AT_FDCWD, directory(id), 0700);
    if (made.is_error() && made.error().is(ErrorCode::NotFound)) {
        TRY(sys::mkdir_all(root_, 0700));
        made = sys::mkdir_at(AT_FDCWD, directory(id), 0700);
    }
    if (made.is_error() && made.error().is(ErrorCode::AlreadyExists))
        return fail(ErrorCode::AlreadyExists, "container with given ID already exists: ", id);
    return made;
}

Result<> StateStore::save(const ContainerState& state) const {
    return replace_file(directory(state.id) + "/state.json", to_json(state));
}

Result<> StateStore::save_config(const std::string& id, std::string_view text) const {
    return replace_file(directory(id) + "/config.json", text);
}

Result<ContainerState> StateStore::load(const std::string& id) const {
    TRY(check_id(id));
    auto text = sys::read_file(directory(id) + "/state.json");
    if (text.is_error() && text.error().is(ErrorCode::NotFound))
        return fail(ErrorCode::NotFound, "container does not exist: ", id);
    const auto json = TRY(codec::parse_json(TRY(std::move(text))).context("state of ", id));
    return ContainerState{
        .id = id,
        .pid = static_cast<pid_t>(codec::get_int(json, "pid")),
        .start_time = static_cast<std::uint64_t>(codec::get_int(json, "start_time")),
        .bundle = codec::get_string(json, "bundle"),
        .rootfs = codec::get_string(json, "rootfs"),
        .created = codec::get_string(json, "created"),
        .cgroup = codec::get_string(json, "cgroup"),
        .owner = static_cast<uid_t>(codec::get_int(json, "owner")),
        .annotations = codec::get_string_map(json, "annotations")};
}

Result<oci::RuntimeSpec> StateStore::load_config(const std::string& id) const {
    return oci::parse_runtime_spec(TRY(sys::read_file(directory(id) + "/config.json")));
}

Result<std::vector<ContainerState>> StateStore::list() const {
    std::vector<ContainerState> states;
    auto entries = sys::list_dir(root_);
    if (entries.is_error() && entries.error().is(ErrorCode::NotFound)) return states;
    for (const auto& entry : TRY(std::move(entries))) {
        if (!is_valid_id(entry.name)) continue;
        auto state = load(entry.name);
        // Being created or removed at this moment.
        if (state.is_error()) continue;
        states.push_back(std::move(*state));
    }
    std::sort(states.begin(), states.end(),
              [](const auto& a, const auto& b) { return a.created < b.created; });
    return states;
}

Result<> StateStore::remove(const std::string& id) const {
    TRY(check_id(id));
    return sys::remove_tree(directory(id));
}

Result<ContainerStatus> StateStore::status(const ContainerState& state) const {
    if (state.pid <= 0) return ContainerStatus::Stopped;
    const auto stat = sys::process_stat(state.pid);
    if (stat.is_error() || stat->start_time != state.start_time || stat->state == 'Z' ||
        stat->state == 'X')
        return ContainerStatus::Stopped;
    const auto cgroup = cgroup_of(state);
    if (cgroup) {
        const auto frozen = cgroup->freeze_state();
        if (frozen && *frozen != sys::FreezeState::Thawed) return ContainerStatus::Paused;
    }
    return sys::exists(gate(state.id)) ? ContainerStatus::Created : ContainerStatus::Running;
}

std::optional<sys::Cgroup> cgroup_of(const ContainerState& state) {
    if (state.cgroup.empty()) return std::nullopt;
    const auto layout = sys::cgroup_layout();
    if (layout.is_error()) return std::nullopt;
    auto cgroup = sys::Cgroup::open(*layout, state.cgroup);
    if (cgroup.is_error()) return std::nullopt;
    return std::move(*cgroup);
}

}  // namespace berth::runtime
