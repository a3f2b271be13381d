#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "compose/env_file.h"
#include "compose/normalize_internal.h"
#include "compose/short_forms.h"
#include "oci/reference.h"

namespace berth::compose {

using codec::YamlNode;

std::string absolute_path(std::string_view path, const NormalizeContext& context) {
    std::filesystem::path out;
    if (path == "~" || path.starts_with("~/")) {
        const auto home = context.environment.find("HOME");
        out = std::filesystem::path(home == context.environment.end() ? "/root" : home->second) /
              path.substr(std::min<std::size_t>(2, path.size()));
    } else {
        out = std::filesystem::path(context.working_dir) / path;
    }
    std::string text = out.lexically_normal().string();
    if (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

namespace {

std::optional<std::string> read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

class Normalizer {
public:
    Normalizer(Service& service, const NormalizeContext& context)
        : service_(service), node_(service.definition), context_(context) {}

    Result<> run() {
        TRY(normalize_build());
        for (const std::string_view key : {"command", "entrypoint"}) TRY(normalize_command(key));
        TRY(normalize_environment());
        TRY(normalize_ports());
        TRY(normalize_volumes());
        TRY(normalize_networks());
        TRY(normalize_dependencies());
        for (const std::string_view key : {"secrets", "configs"}) TRY(normalize_grants(key));
        TRY(normalize_healthcheck());
        TRY(normalize_labels());
        for (const std::string_view key : {"sysctls", "annotations", "extra_hosts"})
            normalize_keyed_list(key);
        for (const std::string_view key : {"dns", "dns_search", "tmpfs", "label_file"}) {
            if (YamlNode* value = node_.find(key)) *value = to_sequence(*value);
        }
        return normalize_scalars();
    }

private:
    Error refuse(const YamlNode& at, std::string_view message) const {
        return context_.sources.refuse(at.at, concat("service \"", service_.name, "\": ", message));
    }

    Result<> normalize_build() {
        YamlNode* build = node_.find("build");
        if (!build) return {};
        *build = build_to_mapping(*build);
        YamlNode* where = build->find("context");
        if (!where) where = &build->set("context", YamlNode::of_string(".", build->at));
        const bool is_remote =
            where->scalar.find("://") != std::string::npos || where->scalar.starts_with("git@");
        if (!is_remote) where->scalar = absolute_path(where->scalar, context_);
        if (!build->find("dockerfile") && !build->find("dockerfile_inline")) {
            build->set("dockerfile", YamlNode::of_string("Dockerfile", build->at));
        }
        for (const std::string_view key : {"args", "labels"}) {
            if (YamlNode* list = build->find(key)) *list = list_to_mapping(*list);
        }
        if (YamlNode* args = build->find("args")) resolve_from_shell(*args);
        if (YamlNode* secrets = build->find("secrets")) {
            for (auto& secret : secrets->items) secret = expand_grant(secret);
        }
        return {};
    }

    Result<> normalize_command(std::string_view key) {
        YamlNode* value = node_.find(key);
        if (!value || !value->is_scalar()) return {};
        auto words = split_command(value->scalar);
        if (words.is_error()) return refuse(*value, concat(key, ": ", words.error().message()));
        YamlNode list = YamlNode::sequence(value->at);
        for (auto& word : *words)
            list.items.push_back(YamlNode::of_string(std::move(word), value->at));
        *value = std::move(list);
        return {};
    }

    // A variable without a value is taken from the shell, or dropped when the shell does not have
    // it.
    void resolve_from_shell(YamlNode& variables) {
        std::erase_if(variables.members, [&](YamlNode::Member& member) {
            if (!member.value.is_null()) return false;
            const auto found = context_.environment.find(member.key);
            if (found == context_.environment.end()) return true;
            member.value = YamlNode::of_string(found->second, member.at);
            return false;
        });
        for (auto& member : variables.members) member.value.is_plain = false;
    }

    Result<> normalize_environment() {
        YamlNode merged = YamlNode::mapping(node_.at);
        if (YamlNode* files = node_.find("env_file")) {
            for (const auto& file : to_sequence(*files).items) TRY(read_env_file(file, merged));
            node_.erase("env_file");
        }
        if (YamlNode* environment = node_.find("environment")) {
            YamlNode own = list_to_mapping(*environment);
            resolve_from_shell(own);
            for (auto& member : own.members) merged.set(member.key, std::move(member.value));
        }
        node_.erase("environment");
        if (!merged.members.empty()) node_.set("environment", std::move(merged));
        return {};
    }

    Result<> read_env_file(const YamlNode& file, YamlNode& into) {
        const YamlNode* path_node = file.is_mapping() ? file.find("path") : &file;
        if (!path_node) return refuse(file, "an env_file needs a path");
        const YamlNode* required = file.find("required");
        const std::string path = absolute_path(path_node->scalar, context_);
        const auto text = read_text(path);
        if (!text) {
            if (required && required->as_bool() == false) return {};
            return refuse(*path_node, concat("env file ", path, " not found"));
        }
        const auto assignments = TRY(
            parse_env_file(*text, path, context_.environment).context("service ", service_.name));
        for (const auto& [name, value] : assignments) {
            if (value) {
                into.set(name, YamlNode::of_string(*value, path_node->at));
            } else if (const auto found = context_.environment.find(name);
                       found != context_.environment.end()) {
                into.set(name, YamlNode::of_string(found->second, path_node->at));
            }
        }
        return {};
    }

    Result<> normalize_ports() {
        YamlNode* ports = node_.find("ports");
        if (!ports) return {};
        YamlNode out = YamlNode::sequence(ports->at);
        for (const auto& port : ports->items) {
            auto expanded = expand_port(port);
            if (expanded.is_error()) return refuse(port, expanded.error().message());
            for (auto& one : *expanded) out.items.push_back(std::move(one));
        }
        *ports = std::move(out);
        return {};
    }

    Result<> normalize_volumes() {
        YamlNode* volumes = node_.find("volumes");
        if (!volumes) return {};
        for (auto& volume : volumes->items) {
            auto expanded = expand_volume(volume);
            if (expanded.is_error()) return refuse(volume, expanded.error().message());
            volume = std::move(*expanded);
            const YamlNode* type = volume.find("type");
            YamlNode* source = volume.find("source");
            if (type && type->scalar == "bind") {
                if (!source) return refuse(volume, "a bind mount needs a source");
                source->scalar = absolute_path(source->scalar, context_);
            }
            const YamlNode* target = volume.find("target");
            if (!target) return refuse(volume, "a volume needs a target");
        }
        return {};
    }

    Result<> normalize_networks() {
        YamlNode* networks = node_.find("networks");
        const YamlNode* mode = node_.find("network_mode");
        if (mode) {
            if (networks) return refuse(*mode, "network_mode and networks exclude each other");
            return {};
        }
        if (!networks) {
            node_.set("networks", names_to_mapping(YamlNode::sequence()))
                .set("default", YamlNode{});
            return {};
        }
        *networks = names_to_mapping(*networks);
        return {};
    }

    Result<> normalize_dependencies() {
        if (YamlNode* dependencies = node_.find("depends_on")) {
            *dependencies = names_to_mapping(*dependencies);
            for (auto& member : dependencies->members) TRY(add_dependency(member));
        }
        for (const std::string_view key : {"links", "volumes_from"}) {
            const YamlNode* names = node_.find(key);
            for (const auto& name : names ? names->items : std::vector<YamlNode>{})
                add_implied(name.scalar);
        }
        for (const std::string_view key : {"network_mode", "ipc", "pid"}) {
            const YamlNode* mode = node_.find(key);
            if (mode && mode->scalar.starts_with("service:")) add_implied(mode->scalar.substr(8));
        }
        return {};
    }

    Result<> add_dependency(YamlNode::Member& member) {
        Dependency dependency{.service = member.key};
        YamlNode canonical = YamlNode::mapping(member.at);
        if (const YamlNode* condition = member.value.find("condition")) {
            const auto& word = condition->scalar;
            if (word == "service_healthy") {
                dependency.condition = Condition::Healthy;
            } else if (word == "service_completed_successfully") {
                dependency.condition = Condition::CompletedSuccessfully;
            } else if (word != "service_started") {
                return refuse(*condition, concat("unknown condition \"", word,
                                                 "\": want service_started, service_healthy or "
                                                 "service_completed_successfully"));
            }
        }
        if (const YamlNode* restart = member.value.find("restart"))
            dependency.restart = restart->as_bool().value_or(false);
        if (const YamlNode* required = member.value.find("required"))
            dependency.required = required->as_bool().value_or(true);
        canonical.set("condition",
                      YamlNode::of_string(std::string(to_string(dependency.condition)), member.at));
        if (dependency.restart) canonical.set("restart", YamlNode::of_plain("true", member.at));
        canonical.set("required",
                      YamlNode::of_plain(dependency.required ? "true" : "false", member.at));
        member.value = std::move(canonical);
        service_.depends_on.push_back(std::move(dependency));
        return {};
    }

    void add_implied(const std::string& text) {
        const std::string name = text.substr(0, text.find(':'));
        if (name == "container") return;
        for (const auto& dependency : service_.depends_on)
            if (dependency.service == name) return;
        service_.depends_on.push_back({.service = name});
    }

    Result<> normalize_grants(std::string_view key) {
        YamlNode* grants = node_.find(key);
        if (!grants) return {};
        for (auto& grant : grants->items) {
            grant = expand_grant(grant);
            const YamlNode* source = grant.find("source");
            if (!source) return refuse(grant, concat("an entry of ", key, " needs a source"));
            YamlNode* target = grant.find("target");
            const std::string folder = key == "secrets" ? "/run/secrets/" : "/";
            const std::string name = target ? target->scalar : source->scalar;
            const auto at = grant.at;
            grant.set("target",
                      YamlNode::of_string(name.starts_with('/') ? name : folder + name, at));
        }
        return {};
    }

    Result<> normalize_healthcheck() {
        YamlNode* check = node_.find("healthcheck");
        if (!check || !check->is_mapping()) return {};
        if (YamlNode* test = check->find("test")) {
            if (test->is_scalar()) {
                YamlNode list = YamlNode::sequence(test->at);
                list.items.push_back(YamlNode::of_string("CMD-SHELL", test->at));
                list.items.push_back(YamlNode::of_string(test->scalar, test->at));
                *test = std::move(list);
            }
            const std::string first = test->items.empty() ? "" : test->items.front().scalar;
            if (first != "NONE" && first != "CMD" && first != "CMD-SHELL") {
                return refuse(*test,
                              "the first word of healthcheck.test must be NONE, CMD or CMD-SHELL");
            }
        }
        for (const std::string_view key :
             {"interval", "timeout", "start_period", "start_interval"}) {
            const YamlNode* value = check->find(key);
            if (value && !parse_duration(value->scalar)) {
                return refuse(*value, concat("healthcheck.", key, ": \"", value->scalar,
                                             "\" is not a duration such as 10s or 1m30s"));
            }
        }
        return {};
    }

    Result<> normalize_labels() {
        YamlNode merged = YamlNode::mapping(node_.at);
        if (const YamlNode* files = node_.find("label_file")) {
            for (const auto& file : to_sequence(*files).items) TRY(read_env_file(file, merged));
            node_.erase("label_file");
        }
        if (const YamlNode* labels = node_.find("labels")) {
            for (auto& member : list_to_mapping(*labels).members) {
                YamlNode value =
                    member.value.is_null() ? YamlNode::of_string("", member.at) : member.value;
                value.is_plain = false;
                merged.set(member.key, std::move(value));
            }
        }
        node_.erase("labels");
        if (!merged.members.empty()) node_.set("labels", std::move(merged));
        return {};
    }

    void normalize_keyed_list(std::string_view key) {
        if (YamlNode* list = node_.find(key)) *list = list_to_mapping(*list);
    }

    Result<> normalize_scalars() {
        for (const std::string_view key :
             {"mem_limit", "memswap_limit", "mem_reservation", "shm_size"}) {
            const YamlNode* size = node_.find(key);
            if (!size || size->scalar == "-1") continue;
            const auto bytes = parse_byte_size(size->scalar);
            if (bytes.is_error()) return refuse(*size, concat(key, ": ", bytes.error().message()));
        }
        TRY(check_image());
        TRY(check_restart());
        TRY(check_pull_policy());
        const YamlNode* grace = node_.find("stop_grace_period");
        if (grace && !parse_duration(grace->scalar)) {
            return refuse(*grace, concat("stop_grace_period: \"", grace->scalar,
                                         "\" is not a duration such as 10s"));
        }
        if (const YamlNode* profiles = node_.find("profiles")) {
            for (const auto& profile : profiles->items) service_.profiles.push_back(profile.scalar);
        }
        return normalize_scale();
    }

    // With --no-interpolate a variable may still become anything.
    const YamlNode* settled(std::string_view key) const {
        const YamlNode* value = node_.find(key);
        return value && !value->scalar.empty() && value->scalar.find('$') == std::string::npos
                   ? value
                   : nullptr;
    }

    Result<> check_image() {
        const YamlNode* image = settled("image");
        if (!image) return {};
        const auto parsed = oci::Reference::parse(image->scalar);
        if (parsed.is_error()) return refuse(*image, concat("image: ", parsed.error().message()));
        return {};
    }

    Result<> check_restart() {
        const YamlNode* restart = settled("restart");
        if (!restart || restart->scalar == "false") return {};
        const auto parts = split_once(restart->scalar, ':');
        const std::string_view name = parts ? parts->first : std::string_view(restart->scalar);
        const bool is_known =
            name == "no" || name == "always" || name == "unless-stopped" || name == "on-failure";
        const bool has_count = !parts || (name == "on-failure" && parse_uint(parts->second));
        if (is_known && has_count) return {};
        return refuse(*restart, concat("restart: unknown policy \"", restart->scalar,
                                       "\": want no, always, on-failure[:N] or unless-stopped"));
    }

    Result<> check_pull_policy() {
        const YamlNode* policy = settled("pull_policy");
        if (!policy) return {};
        const std::string_view name = policy->scalar;
        for (const std::string_view known :
             {"always", "never", "missing", "if_not_present", "build", "daily", "weekly"})
            if (name == known) return {};
        constexpr std::string_view every = "every_";
        if (name.starts_with(every) && parse_duration(name.substr(every.size()))) return {};
        return refuse(
            *policy,
            concat("pull_policy: unknown policy \"", name,
                   "\": want always, never, missing, build, daily, weekly or every_DURATION"));
    }

    Result<> normalize_scale() {
        const YamlNode* deploy = node_.find("deploy");
        const YamlNode* replicas = deploy ? deploy->find("replicas") : nullptr;
        if (const YamlNode* scale = node_.find("scale")) replicas = scale;
        if (replicas) {
            const auto count = parse_int(replicas->scalar);
            if (!count || *count < 0 || *count > 1000)
                return refuse(*replicas, "the number of replicas must be between 0 and 1000");
            service_.replicas = static_cast<int>(*count);
        }
        if (service_.replicas > 1 && node_.find("container_name")) {
            return refuse(*node_.find("container_name"),
                          "a service with a container_name cannot have several replicas");
        }
        return {};
    }

    Service& service_;
    YamlNode& node_;
    const NormalizeContext& context_;
};

}  // namespace

Result<> normalize_service(Service& service, const NormalizeContext& context) {
    return Normalizer(service, context).run();
}

}  // namespace berth::compose
