#include "container/mount_plan.h"

#include <algorithm>

#include "base/path.h"
#include "base/text.h"

namespace berth::container {
namespace {

bool is_propagation(std::string_view word) {
    return word == "private" || word == "rprivate" || word == "shared" || word == "rshared" ||
           word == "slave" || word == "rslave";
}

Error invalid(std::string_view text, std::string_view why) {
    return fail(ErrorCode::InvalidArgument, "invalid volume specification: '", text, "': ", why);
}

Result<> apply_option(MountRequest& mount, const std::string& option, std::string_view text) {
    if (option == "ro" || option == "readonly")
        mount.read_only = true;
    else if (option == "rw" || option == "z" || option == "Z" || option == "consistent" ||
             option == "cached" || option == "delegated" || option.empty())
        return {};
    else if (option == "nocopy")
        mount.no_copy = true;
    else if (is_propagation(option))
        mount.propagation = option;
    else
        return invalid(text, concat("invalid mode: ", option));
    return {};
}

// "container[:ro|rw]" of --volumes-from.
Result<> add_volumes_from(std::vector<MountRequest>& out, const std::string& text,
                          const MountsOf& from) {
    const auto parts = split_once(text, ':');
    const std::string mode(parts ? parts->second : "");
    if (!mode.empty() && mode != "ro" && mode != "rw" && mode != "z") {
        return fail(ErrorCode::InvalidArgument, "invalid mode: ", mode);
    }
    std::vector<MountRequest> theirs = TRY(from(std::string(parts ? parts->first : text)));
    for (MountRequest& mount : theirs) {
        if (mode == "ro") mount.read_only = true;
        mount.no_copy = true;
        // A later source for the same target wins, as do the container's own mounts.
        std::erase_if(out, [&](const MountRequest& known) { return known.target == mount.target; });
        out.push_back(std::move(mount));
    }
    return {};
}

Result<> check_mount(MountRequest& mount) {
    if (!mount.target.starts_with('/')) {
        return fail(ErrorCode::InvalidArgument, "invalid mount config for type \"",
                    to_string(mount.type), "\": invalid mount path: '", mount.target,
                    "' mount path must be absolute");
    }
    mount.target = clean_absolute_path(mount.target);
    if (mount.target == "/")
        return fail(ErrorCode::InvalidArgument, "invalid specification: destination can't be '/'");
    if (mount.type == MountType::Bind && !mount.source.starts_with('/')) {
        return fail(ErrorCode::InvalidArgument,
                    "invalid mount config for type \"bind\": invalid mount path: '", mount.source,
                    "' mount path must be absolute");
    }
    if (!mount.propagation.empty() && !is_propagation(mount.propagation))
        return fail(ErrorCode::InvalidArgument, "invalid mount config for type \"",
                    to_string(mount.type), "\": invalid propagation mode: ", mount.propagation);
    return {};
}

}  // namespace

Result<MountRequest> parse_bind(std::string_view text) {
    const std::vector<std::string> parts = split(text, ':');
    if (parts.size() > 3 ||
        std::ranges::any_of(parts, [](const std::string& part) { return part.empty(); })) {
        return fail(ErrorCode::InvalidArgument, "invalid volume specification: '", text, "'");
    }
    MountRequest mount;
    if (parts.size() == 1) {
        mount.target = parts[0];
    } else {
        mount.source = parts[0];
        mount.target = parts[1];
        mount.type = mount.source.starts_with('/') ? MountType::Bind : MountType::Volume;
        mount.create_mountpoint = mount.type == MountType::Bind;
    }
    if (!mount.target.starts_with('/')) {
        return invalid(text, concat("invalid mount config for type \"", to_string(mount.type),
                                    "\": invalid mount path: '", mount.target,
                                    "' mount path must be absolute"));
    }
    if (parts.size() == 3) {
        for (const std::string& option : split(parts[2], ','))
            TRY(apply_option(mount, option, text));
    }
    return mount;
}

Result<std::int64_t> parse_size(std::string_view text) {
    std::int64_t unit = 1;
    std::string lower = to_lower(text);
    if (lower.ends_with('b') && lower.size() > 1) lower.pop_back();
    if (!lower.empty()) {
        const std::size_t power = std::string_view("kmgt").find(lower.back());
        if (power != std::string_view::npos) {
            unit = std::int64_t{1} << (10 * (power + 1));
            lower.pop_back();
        }
    }
    const auto number = parse_int(lower);
    if (!number || *number < 0 || *number > INT64_MAX / unit)
        return fail(ErrorCode::InvalidArgument, "invalid size: '", text, "'");
    return *number * unit;
}

Result<std::vector<MountRequest>> plan_mounts(const ContainerSpec& spec, const MountsOf& from) {
    std::vector<MountRequest> out;
    for (const std::string& text : spec.host.volumes_from) TRY(add_volumes_from(out, text, from));
    std::vector<MountRequest> own;
    for (const std::string& text : spec.host.binds) own.push_back(TRY(parse_bind(text)));
    own.insert(own.end(), spec.host.mounts.begin(), spec.host.mounts.end());
    std::vector<std::string> targets;
    for (MountRequest& mount : own) {
        TRY(check_mount(mount));
        if (std::ranges::find(targets, mount.target) != targets.end()) {
            return fail(ErrorCode::InvalidArgument, "Duplicate mount point: ", mount.target);
        }
        targets.push_back(mount.target);
        std::erase_if(out, [&](const MountRequest& known) { return known.target == mount.target; });
        out.push_back(std::move(mount));
    }
    const auto is_covered = [&](const std::string& target) {
        return std::ranges::any_of(
                   out, [&](const MountRequest& mount) { return mount.target == target; }) ||
               std::ranges::any_of(spec.host.tmpfs, [&](const auto& entry) {
                   return clean_absolute_path(entry.first) == target;
               });
    };
    for (const std::string& volume : spec.volumes) {
        const std::string target = clean_absolute_path(volume);
        if (target != "/" && !is_covered(target))
            out.push_back(
                {.type = MountType::Volume, .target = target, .driver = spec.host.volume_driver});
    }
    return out;
}

std::string part_beneath(const MountRequest& mount) {
    const std::string clean = clean_absolute_path(mount.subpath);
    return clean == "/" ? "." : clean.substr(1);
}

}  // namespace berth::container
