#include <algorithm>

#include "cli/container/create_parts_internal.h"
#include "cli/files_owner.h"
#include "cli/parse/mount.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

std::string working_folder() {
    auto folder = sys::readlink("/proc/self/cwd");
    return folder ? *folder : std::string("/");
}

// Docker makes a missing source as an empty folder of root's, which hides every typing mistake. We
// name the nearest.
Error missing_source(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == 0 ? "/" : path.substr(0, slash);
    auto error = fail(ErrorCode::NotFound, "mount ", path, ": no such file or directory");
    std::vector<std::string> names;
    if (auto entries = sys::list_dir(folder)) {
        for (const auto& entry : *entries) names.push_back(entry.name);
    }
    const auto close = nearest(path.substr(slash + 1), names);
    const std::string guess =
        close ? concat("did you mean ", folder == "/" ? "" : folder, "/", *close, "? ")
              : std::string();
    return std::move(error).with_hint(
        concat(guess, "create it first, or use --docker-defaults to have it made as a folder"));
}

}  // namespace

Result<> set_mounts(const Context& context, const Flags& flags,
                    api::ContainerCreateRequest& request) {
    const std::string folder = working_folder();
    auto& host = request.host_config;
    const bool is_local =
        TRY(client::choose_host(context.host_flag(), context.environment())).unix_path.empty() ==
        false;
    const bool checks = is_local && !context.docker_defaults();
    for (const auto& text : flags.list("volume")) {
        const auto volume = TRY(parse_volume(text, folder, context.variable("HOME")));
        if (volume.source.empty()) {
            request.config.volumes.push_back(volume.target);
            continue;
        }
        if (volume.is_bind() && checks && !sys::exists(volume.source))
            return missing_source(volume.source);
        host.binds.push_back(volume.to_string());
    }
    for (const auto& text : flags.list("mount")) {
        auto mount = TRY(parse_mount(text, folder));
        const bool makes_source = mount.bind_options && mount.bind_options->create_mountpoint;
        if (mount.type == "bind" && checks && !makes_source && !sys::exists(mount.source))
            return missing_source(mount.source);
        host.mounts.push_back(std::move(mount));
    }
    const bool has_binds =
        !host.binds.empty() || std::any_of(host.mounts.begin(), host.mounts.end(),
                                           [](const auto& mount) { return mount.type == "bind"; });
    if (checks && has_binds) host.files_owner = files_owner(context);
    host.berth_defaults = !context.docker_defaults();
    for (const auto& text : flags.list("tmpfs")) {
        const auto parts = split_once(text, ':');
        if (parts)
            host.tmpfs[std::string(parts->first)] = parts->second;
        else
            host.tmpfs[text] = "";
    }
    host.volume_driver = flags.text("volume-driver");
    host.volumes_from = flags.list("volumes-from");
    return {};
}

}  // namespace berth::cli
