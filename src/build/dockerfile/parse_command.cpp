// CMD, ENTRYPOINT, RUN, SHELL, HEALTHCHECK: what runs.
#include <algorithm>

#include "base/clock.h"
#include "build/dockerfile/parse_internal.h"
#include "codec/json.h"

namespace berth::build::dockerfile {
namespace {

constexpr std::size_t max_number = 1u << 30;

Result<std::vector<std::pair<std::string, std::string>>> split_csv(const Parts& parts,
                                                                   const Flag& flag) {
    std::vector<std::pair<std::string, std::string>> out;
    std::string field;
    bool quoted = false;
    const auto finish = [&] {
        const auto pair = split_once(field, '=');
        out.emplace_back(to_lower(trim(pair ? pair->first : std::string_view(field))),
                         pair ? std::string(pair->second) : std::string());
        field.clear();
    };
    for (const char c : *flag.value) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            finish();
        } else {
            field += c;
        }
    }
    if (quoted) return parts.flag_error(flag, "unclosed quote in --mount");
    finish();
    return out;
}

Result<bool> read_bool(const Parts& parts, const Flag& flag, const std::string& key,
                       const std::string& value) {
    const std::string text = to_lower(value);
    if (text.empty() || text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
    return parts.flag_error(flag, concat("invalid value for ", key, ": ", value));
}

Result<std::uint32_t> read_number(const Parts& parts, const Flag& flag, const std::string& key,
                                  const std::string& value, bool octal) {
    if (octal) {
        if (const auto number = parse_octal(value); number && *number <= 07777) return *number;
    } else if (const auto number = parse_uint(value); number && *number <= max_number) {
        return static_cast<std::uint32_t>(*number);
    }
    return parts.flag_error(flag, concat("invalid value for ", key, ": ", value));
}

std::optional<std::int64_t> parse_size(std::string_view text) {
    std::int64_t unit = 1;
    std::string lower = to_lower(text);
    if (lower.ends_with('b') && lower.size() > 1) lower.pop_back();
    if (lower.empty()) return std::nullopt;
    const auto at = std::string_view("kmgt").find(lower.back());
    if (at != std::string_view::npos) {
        unit = std::int64_t{1} << (10 * (at + 1));
        lower.pop_back();
    }
    const auto number = parse_uint(lower);
    if (!number || *number > (std::uint64_t{1} << 50) / static_cast<std::uint64_t>(unit))
        return std::nullopt;
    return static_cast<std::int64_t>(*number) * unit;
}

Result<> set_mount_kind(const Parts& parts, const Flag& flag, const std::string& value,
                        RunMount& mount) {
    static const std::vector<std::pair<std::string, MountKind>> kinds{{"bind", MountKind::Bind},
                                                                      {"cache", MountKind::Cache},
                                                                      {"tmpfs", MountKind::Tmpfs},
                                                                      {"secret", MountKind::Secret},
                                                                      {"ssh", MountKind::Ssh}};
    const auto found = std::ranges::find(kinds, value, &std::pair<std::string, MountKind>::first);
    if (found == kinds.end()) {
        std::vector<std::string> names;
        for (const auto& kind : kinds) names.push_back(kind.first);
        const auto meant = nearest(value, names);
        return parts.flag_error(flag, concat("unsupported mount type \"", value, "\"",
                                             meant ? concat(" (did you mean ", *meant, "?)") : ""));
    }
    mount.kind = found->second;
    return {};
}

Result<> set_sharing(const Parts& parts, const Flag& flag, const std::string& value,
                     RunMount& mount) {
    if (value == "shared") {
        mount.sharing = MountSharing::Shared;
    } else if (value == "private") {
        mount.sharing = MountSharing::Private;
    } else if (value == "locked") {
        mount.sharing = MountSharing::Locked;
    } else {
        return parts.flag_error(flag, concat("unsupported sharing value \"", value,
                                             "\": use shared, private or locked"));
    }
    return {};
}

Result<> set_mount_option(const Parts& parts, const Flag& flag, const std::string& key,
                          const std::string& value, RunMount& mount) {
    if (key == "from") {
        mount.from = value;
    } else if (key == "source" || key == "src") {
        mount.source = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
        mount.target = value;
    } else if (key == "id") {
        mount.id = value;
    } else if (key == "env") {
        mount.env = value;
    } else if (key == "ro" || key == "readonly") {
        mount.read_only = TRY(read_bool(parts, flag, key, value));
    } else if (key == "rw" || key == "readwrite") {
        mount.read_only = !TRY(read_bool(parts, flag, key, value));
    } else if (key == "required") {
        mount.required = TRY(read_bool(parts, flag, key, value));
    } else if (key == "sharing") {
        TRY(set_sharing(parts, flag, value, mount));
    } else if (key == "uid") {
        mount.uid = TRY(read_number(parts, flag, key, value, false));
    } else if (key == "gid") {
        mount.gid = TRY(read_number(parts, flag, key, value, false));
    } else if (key == "mode") {
        mount.mode = TRY(read_number(parts, flag, key, value, true));
    } else if (key == "size") {
        const auto size = parse_size(value);
        if (!size) return parts.flag_error(flag, concat("invalid value for size: ", value));
        mount.size_bytes = *size;
    } else {
        static const std::vector<std::string> known{
            "type",      "from",     "source",  "target", "id",  "env",  "readonly",
            "readwrite", "required", "sharing", "uid",    "gid", "mode", "size"};
        const auto meant = nearest(key, known);
        return parts.flag_error(flag, concat("unexpected key '", key, "' in mount",
                                             meant ? concat(" (did you mean ", *meant, "?)") : ""));
    }
    return {};
}

Result<> check_mount(const Parts& parts, const Flag& flag, const RunMount& mount) {
    const bool needs_target = mount.kind == MountKind::Cache || mount.kind == MountKind::Bind ||
                              mount.kind == MountKind::Tmpfs;
    if (needs_target && mount.target.empty())
        return parts.flag_error(flag, "missing target of the mount");
    if (mount.kind == MountKind::Secret && mount.id.empty() && mount.target.empty() &&
        mount.source.empty())
        return parts.flag_error(flag, "a secret mount needs an id or a target");
    return {};
}

Result<RunMount> parse_mount(const Parts& parts, const Flag& flag) {
    if (!flag.value) return parts.flag_error(flag, "missing a value on flag: --mount");
    RunMount mount;
    mount.place = parts.line.place(flag.offset, flag.length);
    const auto fields = TRY(split_csv(parts, flag));
    // The kind first, since it decides what the others default to.
    for (const auto& [key, value] : fields)
        if (key == "type") TRY(set_mount_kind(parts, flag, value, mount));
    mount.read_only = mount.kind == MountKind::Bind;
    for (const auto& [key, value] : fields)
        if (key != "type") TRY(set_mount_option(parts, flag, key, value, mount));
    TRY(check_mount(parts, flag, mount));
    return mount;
}

Result<> check_choice(const Parts& parts, std::string_view name, const std::string& value,
                      const std::vector<std::string>& choices) {
    if (value.empty() || std::ranges::find(choices, value) != choices.end()) return {};
    return parts.flag_error(*find_flag(parts, name),
                            concat("unsupported value for --", name, ": ", value, " (one of ",
                                   join(choices, ", "), ")"));
}

Result<std::chrono::nanoseconds> flag_duration(const Parts& parts, std::string_view name) {
    const std::string text = TRY(flag_value(parts, name));
    if (text.empty()) return std::chrono::nanoseconds(0);
    const auto duration = parse_duration(text);
    if (!duration)
        return parts.flag_error(*find_flag(parts, name),
                                concat("invalid duration for --", name, ": ", text));
    if (duration->count() < 0 ||
        (duration->count() > 0 && *duration < std::chrono::milliseconds(1)))
        return parts.flag_error(*find_flag(parts, name),
                                concat("interval \"", name, "\" cannot be less than 1ms"));
    return *duration;
}

}  // namespace

std::optional<std::vector<std::string>> parse_json_words(std::string_view text) {
    text = trim(text);
    if (!text.starts_with('[')) return std::nullopt;
    const auto json = codec::parse_json(text, 4);
    if (!json || !json->is_array()) return std::nullopt;
    std::vector<std::string> words;
    for (const auto& element : *json) {
        if (!element.is_string()) return std::nullopt;
        words.push_back(element.get<std::string>());
    }
    return words;
}

CommandLine parse_command(const Parts& parts, std::string_view text) {
    if (auto words = parse_json_words(text))
        return {.is_exec_form = true, .words = std::move(*words)};
    if (text.starts_with('[') && text.ends_with(']') && text.find('"') != std::string_view::npos)
        parts.warn(
            "JSONArgsRecommended",
            concat(parts.keyword, " looks like a JSON array but is not one, so a shell runs it"));
    return {.is_exec_form = false, .words = {std::string(text)}};
}

Result<Body> parse_run(const Parts& parts) {
    TRY(check_flags(parts, {"mount", "network", "security", "device"}, {"mount", "device"}));
    Run run;
    for (const auto& flag : parts.flags)
        if (flag.name == "mount") run.mounts.push_back(TRY(parse_mount(parts, flag)));
    run.network = TRY(flag_value(parts, "network"));
    run.security = TRY(flag_value(parts, "security"));
    TRY(check_choice(parts, "network", run.network, {"default", "none", "host"}));
    TRY(check_choice(parts, "security", run.security, {"sandbox", "insecure"}));
    if (const Flag* device = find_flag(parts, "device"))
        return parts.flag_error(*device,
                                "RUN --device is not supported: it belongs to the labs channel of "
                                "the Dockerfile syntax");
    run.heredocs = parts.line.heredocs;
    run.command = parse_command(parts, parts.rest);
    if (run.command.words.empty() ||
        (!run.command.is_exec_form && trim(run.command.words[0]).empty()))
        return parts.error("RUN requires at least one argument");
    return Body(std::move(run));
}

Result<Body> parse_healthcheck(const Parts& parts) {
    TRY(check_flags(parts, {"interval", "timeout", "start-period", "start-interval", "retries"}));
    Healthcheck check;
    const auto pair = split_once(parts.rest, ' ');
    const std::string kind = to_upper(pair ? pair->first : parts.rest);
    const std::string_view rest = pair ? trim(pair->second) : std::string_view();
    if (kind == "NONE") {
        if (!rest.empty()) return parts.error("HEALTHCHECK NONE takes no arguments");
        check.none = true;
        return Body(check);
    }
    if (kind != "CMD")
        return parts.error_at(parts.rest_offset, kind.size(),
                              concat("unknown type \"", kind, "\" in HEALTHCHECK (try CMD)"));
    if (rest.empty()) return parts.error("missing command after HEALTHCHECK CMD");
    check.command = parse_command(parts, rest);
    if (check.command.words.empty()) return parts.error("missing command after HEALTHCHECK CMD");
    check.interval = TRY(flag_duration(parts, "interval"));
    check.timeout = TRY(flag_duration(parts, "timeout"));
    check.start_period = TRY(flag_duration(parts, "start-period"));
    check.start_interval = TRY(flag_duration(parts, "start-interval"));
    const std::string retries = TRY(flag_value(parts, "retries"));
    if (!retries.empty()) {
        const auto number = parse_int(retries);
        if (!number || *number < 0 || *number > 1'000'000)
            return parts.flag_error(*find_flag(parts, "retries"),
                                    concat("--retries must be at least 0, not ", retries));
        check.retries = static_cast<int>(*number);
    }
    return Body(std::move(check));
}

}  // namespace berth::build::dockerfile
