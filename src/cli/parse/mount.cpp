#include "cli/parse/mount.h"

#include "base/path.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

Result<bool> parse_switch(std::string_view key, const std::optional<std::string>& value) {
    if (!value || *value == "true" || *value == "1") return true;
    if (*value == "false" || *value == "0") return false;
    return fail(ErrorCode::InvalidArgument, "invalid value for ", key, ": ", *value);
}

Result<> set_recursion(api::Mount::BindOptions& bind, std::string_view value) {
    if (value == "enabled") return {};
    if (value == "disabled")
        bind.non_recursive = true;
    else if (value == "writable")
        bind.read_only_non_recursive = true;
    else if (value == "readonly")
        bind.read_only_force_recursive = true;
    else
        return fail(ErrorCode::InvalidArgument, "invalid value for bind-recursive: ", value);
    return {};
}

void set_key_value(api::StringMap& map, std::string_view text) {
    const auto parts = split_once(text, '=');
    if (parts)
        map[std::string(parts->first)] = parts->second;
    else
        map[std::string(text)] = "";
}

template <typename T>
T& made(std::optional<T>& options) {
    if (!options) options.emplace();
    return *options;
}

class MountParser {
public:
    explicit MountParser(std::string_view working_folder) : working_folder_(working_folder) {
        mount_.type = "volume";
    }

    Result<> take(std::string_view field) {
        const auto parts = split_once(field, '=');
        const std::string key = to_lower(parts ? parts->first : field);
        std::optional<std::string> value;
        if (parts) value = parts->second;
        if (key == "readonly" || key == "ro") {
            mount_.read_only = TRY(parse_switch(key, value));
            return {};
        }
        if (key == "volume-nocopy") {
            made(mount_.volume_options).no_copy = TRY(parse_switch(key, value));
            return {};
        }
        if (key == "bind-nonrecursive") {
            made(mount_.bind_options).non_recursive = TRY(parse_switch(key, value));
            return {};
        }
        if (key == "bind-create-src") {
            made(mount_.bind_options).create_mountpoint = TRY(parse_switch(key, value));
            return {};
        }
        if (!value) return fail(ErrorCode::InvalidArgument, "\"", field, "\" must be key=value");
        return take_value(key, *value);
    }

    Result<api::Mount> finish() && {
        if (mount_.target.empty()) return fail(ErrorCode::InvalidArgument, "the target is missing");
        if (mount_.type == "bind" && mount_.source.empty())
            return fail(ErrorCode::InvalidArgument, "the source is missing");
        if (mount_.type == "tmpfs" && !mount_.source.empty()) {
            return fail(ErrorCode::InvalidArgument, "a tmpfs has no source");
        }
        const bool fits = (!mount_.bind_options || mount_.type == "bind") &&
                          (!mount_.volume_options || mount_.type == "volume") &&
                          (!mount_.tmpfs_options || mount_.type == "tmpfs") &&
                          (!mount_.image_options || mount_.type == "image");
        if (!fits)
            return fail(ErrorCode::InvalidArgument,
                        "options of another type with type=", mount_.type);
        if (mount_.type == "bind") mount_.source = absolute_path(mount_.source, working_folder_);
        return std::move(mount_);
    }

private:
    Result<> take_value(const std::string& key, const std::string& value) {
        if (key == "type") {
            mount_.type = to_lower(value);
            for (const std::string_view known : {"bind", "volume", "tmpfs", "image"}) {
                if (mount_.type == known) return {};
            }
            return fail(ErrorCode::InvalidArgument, "unknown type \"", value,
                        "\": bind, volume, tmpfs and image are known");
        }
        if (key == "source" || key == "src")
            mount_.source = value;
        else if (key == "target" || key == "dst" || key == "destination")
            mount_.target = value;
        else if (key == "consistency")
            mount_.consistency = value;
        else if (key == "bind-propagation")
            made(mount_.bind_options).propagation = value;
        else if (key == "bind-recursive")
            return set_recursion(made(mount_.bind_options), value);
        else if (key == "volume-subpath")
            made(mount_.volume_options).subpath = value;
        else if (key == "volume-label")
            set_key_value(made(mount_.volume_options).labels, value);
        else if (key == "volume-driver")
            made(made(mount_.volume_options).driver_config).name = value;
        else if (key == "volume-opt")
            set_key_value(made(made(mount_.volume_options).driver_config).options, value);
        else if (key == "image-subpath")
            made(mount_.image_options).subpath = value;
        else if (key == "tmpfs-size")
            return take_size(value);
        else if (key == "tmpfs-mode")
            return take_mode(value);
        else
            return fail(ErrorCode::InvalidArgument, "unknown key \"", key, "\"");
        return {};
    }

    Result<> take_size(const std::string& value) {
        const auto bytes = parse_bytes(value);
        if (!bytes) return fail(ErrorCode::InvalidArgument, "invalid tmpfs-size: ", value);
        made(mount_.tmpfs_options).size_bytes = *bytes;
        return {};
    }

    Result<> take_mode(const std::string& value) {
        const auto mode = parse_octal(value);
        if (!mode || *mode > 07777)
            return fail(ErrorCode::InvalidArgument, "invalid tmpfs-mode: ", value);
        made(mount_.tmpfs_options).mode = *mode;
        return {};
    }

    std::string_view working_folder_;
    api::Mount mount_;
};

Result<api::Mount> parse_mount_fields(std::string_view text, std::string_view working_folder) {
    MountParser parser(working_folder);
    for (const auto& field : TRY(split_csv(text))) TRY(parser.take(field));
    return std::move(parser).finish();
}

bool is_volume_name(std::string_view name) {
    if (name.size() < 2 || std::isalnum(static_cast<unsigned char>(name[0])) == 0) return false;
    for (const char c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}

}  // namespace

std::string VolumeFlag::to_string() const {
    return options.empty() ? concat(source, ":", target)
                           : concat(source, ":", target, ":", options);
}

std::string absolute_path(std::string_view path, std::string_view folder) {
    return clean_absolute_path(path.starts_with('/') ? std::string(path)
                                                     : concat(folder, "/", path));
}

Result<std::vector<std::string>> split_csv(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '"') {
            if (quoted && i + 1 < line.size() && line[i + 1] == '"')
                fields.back() += line[++i];
            else
                quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    if (quoted) return fail(ErrorCode::InvalidArgument, "a quote is not closed");
    return fields;
}

Result<VolumeFlag> parse_volume(std::string_view text, std::string_view working_folder,
                                std::string_view home) {
    const auto parts = split(text, ':');
    VolumeFlag volume;
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::InvalidArgument, "invalid volume \"", text, "\": ", why);
    };
    if (parts.size() > 3) return refuse("more than SOURCE:TARGET:OPTIONS");
    if (parts.size() == 1) {
        volume.target = parts[0];
    } else {
        volume.source = parts[0];
        volume.target = parts[1];
        if (parts.size() == 3) volume.options = parts[2];
        if (volume.source.empty()) return refuse("the source is empty");
    }
    if (!volume.target.starts_with('/'))
        return refuse("the path in the container must be absolute");
    if (absolute_path(volume.target, "/") == "/")
        return refuse("the container's root cannot be a volume");
    if (volume.source.starts_with('.')) {
        volume.source = absolute_path(volume.source, working_folder);
    } else if (volume.source == "~" || volume.source.starts_with("~/")) {
        volume.source = absolute_path(
            std::string_view(volume.source).substr(1).empty() ? "." : volume.source.substr(2),
            home);
    } else if (volume.source.starts_with('/')) {
        volume.source = absolute_path(volume.source, "/");
    } else if (!volume.source.empty() && !is_volume_name(volume.source)) {
        return refuse("a volume's name has letters, digits, _, . and -; a path starts with / or .");
    }
    return volume;
}

Result<api::Mount> parse_mount(std::string_view text, std::string_view working_folder) {
    return parse_mount_fields(text, working_folder).context("mount ", text);
}

}  // namespace berth::cli
