#include "oci/image_config.h"

#include <algorithm>

#include "codec/json.h"

namespace berth::oci {
namespace {
using codec::Json;

constexpr std::string_view run_config_members[] = {
    "User",   "ExposedPorts", "Env",         "Entrypoint",  "Cmd",   "Volumes", "WorkingDir",
    "Labels", "StopSignal",   "StopTimeout", "Healthcheck", "Shell", "OnBuild", "ArgsEscaped"};
constexpr std::string_view image_members[] = {"created", "author",     "architecture", "variant",
                                              "os",      "os.version", "os.features",  "config",
                                              "rootfs",  "history"};

template <typename Known>
std::string collect_unknown(const Json& object, const Known& known) {
    Json rest = Json::object();
    for (const auto& [key, value] : object.items())
        if (std::ranges::find(known, std::string_view(key)) == std::end(known)) rest[key] = value;
    return rest.empty() ? std::string() : codec::dump_json(rest);
}

void add_unknown(Json& object, const std::string& text) {
    if (text.empty()) return;
    const auto rest = codec::parse_json(text);
    if (!rest || !rest->is_object()) return;
    for (const auto& [key, value] : rest->items())
        if (!object.contains(key)) object[key] = value;
}

Error wrong(std::string_view member, std::string_view what) {
    return fail(ErrorCode::InvalidArgument, "image configuration: ", member, " ", what);
}

Result<std::vector<std::string>> read_strings(const Json& object, std::string_view key) {
    std::vector<std::string> out;
    const Json* member = codec::find_member(object, key);
    if (!member) return out;
    if (!member->is_array()) return wrong(key, "is not an array");
    for (const auto& element : *member) {
        if (!element.is_string()) return wrong(key, "holds something that is not a string");
        out.push_back(element.template get<std::string>());
    }
    return out;
}

// Go's sets are objects with empty objects as values; their keys are sorted.
Result<std::vector<std::string>> read_set(const Json& object, std::string_view key) {
    std::vector<std::string> out;
    const Json* member = codec::find_member(object, key);
    if (!member) return out;
    if (!member->is_object()) return wrong(key, "is not an object");
    for (const auto& [name, value] : member->items()) out.push_back(name);
    std::ranges::sort(out);
    return out;
}

Json to_set(std::vector<std::string> names) {
    std::ranges::sort(names);
    Json out = Json::object();
    for (auto& name : names) out[name] = Json::object();
    return out;
}

std::optional<Timestamp> read_time(const Json& object, std::string_view key) {
    const std::string text = codec::get_string(object, key);
    return text.empty() ? std::nullopt : parse_rfc3339(text);
}

HealthcheckConfig read_healthcheck(const Json& object) {
    HealthcheckConfig out;
    out.test = codec::get_strings(object, "Test");
    out.interval = std::chrono::nanoseconds(codec::get_int(object, "Interval"));
    out.timeout = std::chrono::nanoseconds(codec::get_int(object, "Timeout"));
    out.start_period = std::chrono::nanoseconds(codec::get_int(object, "StartPeriod"));
    out.start_interval = std::chrono::nanoseconds(codec::get_int(object, "StartInterval"));
    out.retries = static_cast<int>(codec::get_int(object, "Retries"));
    return out;
}

Json write_healthcheck(const HealthcheckConfig& check) {
    Json out = Json::object();
    if (!check.test.empty()) out["Test"] = check.test;
    if (check.interval.count()) out["Interval"] = check.interval.count();
    if (check.timeout.count()) out["Timeout"] = check.timeout.count();
    if (check.start_period.count()) out["StartPeriod"] = check.start_period.count();
    if (check.start_interval.count()) out["StartInterval"] = check.start_interval.count();
    if (check.retries) out["Retries"] = check.retries;
    return out;
}

Result<ImageRunConfig> read_run_config(const Json& object) {
    ImageRunConfig out;
    if (!object.is_object()) return wrong("config", "is not an object");
    out.user = codec::get_string(object, "User");
    out.exposed_ports = TRY(read_set(object, "ExposedPorts"));
    out.env = TRY(read_strings(object, "Env"));
    if (codec::find_member(object, "Entrypoint"))
        out.entrypoint = TRY(read_strings(object, "Entrypoint"));
    if (codec::find_member(object, "Cmd")) out.cmd = TRY(read_strings(object, "Cmd"));
    out.volumes = TRY(read_set(object, "Volumes"));
    out.working_dir = codec::get_string(object, "WorkingDir");
    if (const Json* labels = codec::find_member(object, "Labels"); labels && !labels->is_object())
        return wrong("Labels", "is not an object");
    out.labels = codec::get_string_map(object, "Labels");
    std::ranges::sort(out.labels);
    out.stop_signal = codec::get_string(object, "StopSignal");
    if (codec::find_member(object, "StopTimeout"))
        out.stop_timeout = static_cast<int>(codec::get_int(object, "StopTimeout"));
    if (const Json* check = codec::find_member(object, "Healthcheck"); check && check->is_object())
        out.healthcheck = read_healthcheck(*check);
    out.shell = TRY(read_strings(object, "Shell"));
    out.on_build = TRY(read_strings(object, "OnBuild"));
    out.args_escaped = codec::get_bool(object, "ArgsEscaped");
    out.unknown_json = collect_unknown(object, run_config_members);
    return out;
}

Json write_run_config(const ImageRunConfig& config) {
    Json out = Json::object();
    if (!config.user.empty()) out["User"] = config.user;
    if (!config.exposed_ports.empty()) out["ExposedPorts"] = to_set(config.exposed_ports);
    if (!config.env.empty()) out["Env"] = config.env;
    if (config.entrypoint) out["Entrypoint"] = *config.entrypoint;
    if (config.cmd) out["Cmd"] = *config.cmd;
    if (!config.volumes.empty()) out["Volumes"] = to_set(config.volumes);
    if (!config.working_dir.empty()) out["WorkingDir"] = config.working_dir;
    if (!config.labels.empty()) {
        auto labels = config.labels;
        std::ranges::sort(labels);
        for (const auto& [key, value] : labels) out["Labels"][key] = value;
    }
    if (!config.stop_signal.empty()) out["StopSignal"] = config.stop_signal;
    if (config.stop_timeout) out["StopTimeout"] = *config.stop_timeout;
    if (config.healthcheck) out["Healthcheck"] = write_healthcheck(*config.healthcheck);
    if (!config.shell.empty()) out["Shell"] = config.shell;
    if (!config.on_build.empty()) out["OnBuild"] = config.on_build;
    if (config.args_escaped) out["ArgsEscaped"] = true;
    add_unknown(out, config.unknown_json);
    return out;
}

Json write_history(const HistoryRecord& record) {
    Json out = Json::object();
    if (record.created) out["created"] = to_rfc3339(*record.created);
    if (!record.created_by.empty()) out["created_by"] = record.created_by;
    if (!record.author.empty()) out["author"] = record.author;
    if (!record.comment.empty()) out["comment"] = record.comment;
    if (record.empty_layer) out["empty_layer"] = true;
    return out;
}

Result<> read_rootfs(const Json& document, ImageConfig& out) {
    const Json* rootfs = codec::find_member(document, "rootfs");
    if (!rootfs) return {};
    if (!rootfs->is_object()) return wrong("rootfs", "is not an object");
    const auto ids = TRY(read_strings(*rootfs, "diff_ids"));
    for (const auto& id : ids)
        out.diff_ids.push_back(
            TRY(Digest::parse(id).context("image configuration: rootfs.diff_ids")));
    return {};
}

Result<> read_history(const Json& document, ImageConfig& out) {
    const Json* history = codec::find_member(document, "history");
    if (!history) return {};
    if (!history->is_array()) return wrong("history", "is not an array");
    for (const auto& record : *history) {
        if (!record.is_object()) return wrong("history", "holds something that is not an object");
        out.history.push_back({.created = read_time(record, "created"),
                               .created_by = codec::get_string(record, "created_by"),
                               .author = codec::get_string(record, "author"),
                               .comment = codec::get_string(record, "comment"),
                               .empty_layer = codec::get_bool(record, "empty_layer")});
    }
    return {};
}

}  // namespace

std::optional<std::string> ImageRunConfig::find_env(std::string_view name) const {
    for (const auto& line : env)
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=')
            return line.substr(name.size() + 1);
    return std::nullopt;
}

void ImageRunConfig::set_env(std::string_view name, std::string_view value) {
    const std::string text = concat(name, "=", value);
    for (auto& line : env) {
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=') {
            line = text;
            return;
        }
    }
    env.push_back(text);
}

void ImageRunConfig::set_label(std::string_view key, std::string_view value) {
    const auto found = std::ranges::find(
        labels, key, [](const auto& label) { return std::string_view(label.first); });
    if (found != labels.end()) {
        found->second = value;
    } else {
        labels.emplace_back(key, value);
    }
}

std::string ImageConfig::to_json() const {
    Json out = Json::object();
    if (created) out["created"] = to_rfc3339(*created);
    if (!author.empty()) out["author"] = author;
    out["architecture"] = platform.architecture;
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    out["os"] = platform.os;
    if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
    if (!platform.os_features.empty()) out["os.features"] = platform.os_features;
    out["config"] = write_run_config(config);
    out["rootfs"]["type"] = "layers";
    out["rootfs"]["diff_ids"] = Json::array();
    for (const auto& id : diff_ids) out["rootfs"]["diff_ids"].push_back(id.to_string());
    if (!history.empty()) {
        out["history"] = Json::array();
        for (const auto& record : history) out["history"].push_back(write_history(record));
    }
    add_unknown(out, unknown_json);
    return codec::dump_json(out);
}

Result<ImageConfig> parse_image_config(std::string_view json) {
    if (json.size() > max_image_config_bytes) return wrong("document", "is too large");
    const Json document = TRY(codec::parse_json(json).context("image configuration"));
    if (!document.is_object()) return wrong("document", "is not an object");
    ImageConfig out;
    out.created = read_time(document, "created");
    out.author = codec::get_string(document, "author");
    out.platform = {.os = codec::get_string(document, "os"),
                    .architecture = codec::get_string(document, "architecture"),
                    .variant = codec::get_string(document, "variant"),
                    .os_version = codec::get_string(document, "os.version"),
                    .os_features = codec::get_strings(document, "os.features")};
    if (const Json* config = codec::find_member(document, "config"))
        out.config = TRY(read_run_config(*config));
    TRY(read_rootfs(document, out));
    TRY(read_history(document, out));
    out.unknown_json = collect_unknown(document, image_members);
    return out;
}

}  // namespace berth::oci
