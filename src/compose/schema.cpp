#include "compose/schema.h"

#include <span>

namespace berth::compose {

using codec::YamlNode;

namespace {

// Kinds of value, to be or-ed.
constexpr unsigned Text = 1, Number = 2, Bool = 4, List = 8, Map = 16, Nothing = 32;
constexpr unsigned Scalar = Text | Number | Bool;
constexpr unsigned ListOrMap = List | Map;
constexpr unsigned Any = Scalar | ListOrMap | Nothing;

struct Rule {
    std::string_view key;
    unsigned kinds;
    /// The rules of a mapping value (or of the mappings in a list); empty for free-form.
    std::span<const Rule> members = {};
};

constexpr Rule build_rules[] = {{"context", Text},
                                {"dockerfile", Text},
                                {"dockerfile_inline", Text},
                                {"args", ListOrMap | Nothing},
                                {"additional_contexts", ListOrMap},
                                {"cache_from", List},
                                {"cache_to", List},
                                {"entitlements", List},
                                {"extra_hosts", ListOrMap},
                                {"isolation", Text},
                                {"labels", ListOrMap},
                                {"network", Text},
                                {"no_cache", Bool},
                                {"no_cache_filter", Text | List},
                                {"platforms", List},
                                {"privileged", Bool},
                                {"provenance", Scalar},
                                {"pull", Bool},
                                {"sbom", Scalar},
                                {"secrets", List},
                                {"shm_size", Text | Number},
                                {"ssh", ListOrMap},
                                {"tags", List},
                                {"target", Text},
                                {"ulimits", Map}};

constexpr Rule healthcheck_rules[] = {
    {"test", Text | List},  {"interval", Text},       {"timeout", Text}, {"retries", Number},
    {"start_period", Text}, {"start_interval", Text}, {"disable", Bool}};

constexpr Rule logging_rules[] = {{"driver", Text}, {"options", Map | Nothing}};

constexpr Rule resource_rules[] = {{"cpus", Text | Number},
                                   {"memory", Text | Number},
                                   {"pids", Number},
                                   {"generic_resources", List},
                                   {"devices", List}};
constexpr Rule resources_rules[] = {{"limits", Map, resource_rules},
                                    {"reservations", Map, resource_rules}};
constexpr Rule restart_policy_rules[] = {
    {"condition", Text}, {"delay", Text}, {"max_attempts", Number}, {"window", Text}};
constexpr Rule deploy_rules[] = {{"mode", Text},
                                 {"replicas", Number},
                                 {"endpoint_mode", Text},
                                 {"labels", ListOrMap},
                                 {"placement", Map},
                                 {"resources", Map, resources_rules},
                                 {"restart_policy", Map, restart_policy_rules},
                                 {"update_config", Map},
                                 {"rollback_config", Map}};

constexpr Rule port_rules[] = {
    {"name", Text},    {"target", Text | Number}, {"published", Text | Number},
    {"host_ip", Text}, {"protocol", Text},        {"app_protocol", Text},
    {"mode", Text}};

constexpr Rule volume_bind_rules[] = {
    {"propagation", Text}, {"create_host_path", Bool}, {"recursive", Text}, {"selinux", Text}};
constexpr Rule volume_volume_rules[] = {{"nocopy", Bool}, {"subpath", Text}, {"labels", ListOrMap}};
constexpr Rule volume_tmpfs_rules[] = {{"size", Text | Number}, {"mode", Text | Number}};
constexpr Rule volume_image_rules[] = {{"subpath", Text}};
constexpr Rule service_volume_rules[] = {{"type", Text},
                                         {"source", Text},
                                         {"target", Text},
                                         {"read_only", Bool},
                                         {"consistency", Text},
                                         {"bind", Map, volume_bind_rules},
                                         {"volume", Map, volume_volume_rules},
                                         {"tmpfs", Map, volume_tmpfs_rules},
                                         {"image", Map, volume_image_rules}};

constexpr Rule grant_rules[] = {{"source", Text},
                                {"target", Text},
                                {"uid", Text | Number},
                                {"gid", Text | Number},
                                {"mode", Text | Number}};

constexpr Rule service_rules[] = {{"annotations", ListOrMap},
                                  {"attach", Bool},
                                  {"blkio_config", Map},
                                  {"build", Text | Map, build_rules},
                                  {"cap_add", List},
                                  {"cap_drop", List},
                                  {"cgroup", Text},
                                  {"cgroup_parent", Text},
                                  {"command", Text | List | Nothing},
                                  {"configs", List, grant_rules},
                                  {"container_name", Text},
                                  {"cpu_count", Text | Number},
                                  {"cpu_percent", Text | Number},
                                  {"cpu_period", Text | Number},
                                  {"cpu_quota", Text | Number},
                                  {"cpu_rt_period", Text | Number},
                                  {"cpu_rt_runtime", Text | Number},
                                  {"cpu_shares", Text | Number},
                                  {"cpus", Text | Number},
                                  {"cpuset", Text | Number},
                                  {"credential_spec", Map},
                                  {"depends_on", ListOrMap},
                                  {"deploy", Map, deploy_rules},
                                  {"develop", Map},
                                  {"device_cgroup_rules", List},
                                  {"devices", List},
                                  {"dns", Text | List},
                                  {"dns_opt", List},
                                  {"dns_search", Text | List},
                                  {"domainname", Text},
                                  {"entrypoint", Text | List | Nothing},
                                  {"env_file", Text | List},
                                  {"environment", ListOrMap | Nothing},
                                  {"expose", List},
                                  {"extends", Text | Map},
                                  {"external_links", List},
                                  {"extra_hosts", ListOrMap},
                                  {"gpus", Text | List},
                                  {"group_add", List},
                                  {"healthcheck", Map, healthcheck_rules},
                                  {"hostname", Text},
                                  {"image", Text},
                                  {"init", Bool},
                                  {"ipc", Text},
                                  {"isolation", Text},
                                  {"label_file", Text | List},
                                  {"labels", ListOrMap},
                                  {"links", List},
                                  {"logging", Map, logging_rules},
                                  {"mac_address", Text},
                                  {"mem_limit", Text | Number},
                                  {"mem_reservation", Text | Number},
                                  {"mem_swappiness", Text | Number},
                                  {"memswap_limit", Text | Number},
                                  {"models", ListOrMap},
                                  {"network_mode", Text},
                                  {"networks", ListOrMap},
                                  {"oom_kill_disable", Bool},
                                  {"oom_score_adj", Number},
                                  {"pid", Text | Nothing},
                                  {"pids_limit", Number | Text},
                                  {"platform", Text},
                                  {"ports", List, port_rules},
                                  {"post_start", List},
                                  {"pre_start", List},
                                  {"pre_stop", List},
                                  {"privileged", Bool},
                                  {"profiles", List},
                                  {"provider", Map},
                                  {"pull_policy", Text},
                                  {"pull_refresh_after", Text},
                                  {"read_only", Bool},
                                  {"restart", Text | Bool},
                                  {"runtime", Text},
                                  {"scale", Number},
                                  {"secrets", List, grant_rules},
                                  {"security_opt", List},
                                  {"shm_size", Text | Number},
                                  {"stdin_open", Bool},
                                  {"stop_grace_period", Text},
                                  {"stop_signal", Text},
                                  {"storage_opt", Map},
                                  {"sysctls", ListOrMap},
                                  {"tmpfs", Text | List},
                                  {"tty", Bool},
                                  {"ulimits", Map},
                                  {"use_api_socket", Bool},
                                  {"user", Text | Number},
                                  {"userns_mode", Text},
                                  {"uts", Text},
                                  {"volumes", List, service_volume_rules},
                                  {"volumes_from", List},
                                  {"working_dir", Text}};

constexpr Rule ipam_rules[] = {{"driver", Text}, {"config", List}, {"options", Map}};
constexpr Rule network_rules[] = {
    {"name", Text},           {"driver", Text},     {"driver_opts", Map}, {"ipam", Map, ipam_rules},
    {"external", Bool | Map}, {"internal", Bool},   {"attachable", Bool}, {"enable_ipv4", Bool},
    {"enable_ipv6", Bool},    {"labels", ListOrMap}};
constexpr Rule volume_rules[] = {{"name", Text},
                                 {"driver", Text},
                                 {"driver_opts", Map},
                                 {"external", Bool | Map},
                                 {"labels", ListOrMap}};
constexpr Rule secret_rules[] = {
    {"name", Text},        {"file", Text},   {"environment", Text}, {"external", Bool | Map},
    {"labels", ListOrMap}, {"driver", Text}, {"driver_opts", Map},  {"template_driver", Text}};
constexpr Rule config_rules[] = {{"name", Text},           {"file", Text},
                                 {"content", Text},        {"environment", Text},
                                 {"external", Bool | Map}, {"labels", ListOrMap},
                                 {"template_driver", Text}};

constexpr Rule top_rules[] = {{"name", Text},
                              {"version", Text | Number},
                              {"include", List},
                              {"services", Map | Nothing},
                              {"networks", Map | Nothing},
                              {"volumes", Map | Nothing},
                              {"secrets", Map | Nothing},
                              {"configs", Map | Nothing},
                              {"models", Map}};

struct Section {
    std::string_view name;
    std::span<const Rule> rules;
    bool may_be_empty;
};
constexpr Section sections[] = {{"services", service_rules, false},
                                {"networks", network_rules, true},
                                {"volumes", volume_rules, true},
                                {"secrets", secret_rules, true},
                                {"configs", config_rules, true}};

unsigned kind_of(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::Null: return Nothing;
        case YamlNode::Kind::Sequence: return List;
        case YamlNode::Kind::Mapping: return Map;
        case YamlNode::Kind::Scalar: break;
    }
    if (node.as_bool()) return Bool;
    if (node.as_double()) return Number;
    return Text;
}

std::string describe(unsigned kinds) {
    std::string out;
    const std::pair<unsigned, std::string_view> words[] = {{Text, "a string"},
                                                           {Number, "a number"},
                                                           {Bool, "true or false"},
                                                           {List, "a list"},
                                                           {Map, "a mapping"}};
    for (const auto& [bit, word] : words) {
        if (!(kinds & bit)) continue;
        if (!out.empty()) out += " or ";
        out += word;
    }
    return out;
}

class Checker {
public:
    explicit Checker(const Sources& sources) : sources_(sources) {}

    Result<> check_members(const YamlNode& node, std::span<const Rule> rules,
                           std::string_view where) {
        for (const auto& member : node.members) {
            if (member.key.starts_with("x-")) continue;
            const Rule* rule = nullptr;
            for (const auto& candidate : rules)
                if (candidate.key == member.key) rule = &candidate;
            if (!rule) return unknown_key(member, rules, where);
            TRY(check_value(member.value, *rule,
                            concat(where.empty() ? "" : concat(where, "."), member.key)));
        }
        return {};
    }

private:
    Error unknown_key(const YamlNode::Member& member, std::span<const Rule> rules,
                      std::string_view where) {
        std::vector<std::string> names;
        for (const auto& rule : rules) names.emplace_back(rule.key);
        const auto near = nearest(member.key, names);
        return sources_.refuse(
            member.at, concat(where.empty() ? "the top level" : where, " has no key \"", member.key,
                              "\"", near ? concat("; did you mean \"", *near, "\"?") : ""));
    }

    Result<> check_value(const YamlNode& value, const Rule& rule, const std::string& where) {
        if (value.tag == "!reset") return {};
        const unsigned kind = kind_of(value);
        // Interpolation leaves texts behind that stand for numbers and booleans, and a number may
        // stand for a text.
        const bool is_scalar_for_text = (kind & Scalar) && (rule.kinds & Text);
        const bool is_quoted_number =
            kind == Text && (rule.kinds & Number) && YamlNode::of_plain(value.scalar).as_double();
        const bool is_quoted_bool =
            kind == Text && (rule.kinds & Bool) && YamlNode::of_plain(value.scalar).as_bool();
        const bool is_null_ok = kind == Nothing && (rule.kinds & (Nothing | Map | List | Text));
        if (!(kind & rule.kinds) && !is_scalar_for_text && !is_quoted_number && !is_quoted_bool &&
            !is_null_ok) {
            return sources_.refuse(value.at, concat(where, " must be ", describe(rule.kinds)));
        }
        if (rule.members.empty()) return {};
        if (value.is_mapping()) return check_members(value, rule.members, where);
        for (const auto& item : value.items)
            if (item.is_mapping()) TRY(check_members(item, rule.members, where));
        return {};
    }

    const Sources& sources_;
};

}  // namespace

Result<> check_schema(const YamlNode& file, const std::string& name, const Sources& sources) {
    if (file.is_null()) return fail(ErrorCode::InvalidArgument, name, ": empty compose file");
    if (!file.is_mapping()) return sources.refuse(file.at, "a compose file must be a mapping");
    Checker checker(sources);
    TRY(checker.check_members(file, top_rules, ""));
    for (const auto& section : sections) {
        const YamlNode* definitions = file.find(section.name);
        if (!definitions) continue;
        for (const auto& definition : definitions->members) {
            if (definition.key.starts_with("x-") || definition.value.tag == "!reset") continue;
            const std::string where = concat(section.name, ".", definition.key);
            if (definition.value.is_null() && section.may_be_empty) continue;
            if (!definition.value.is_mapping())
                return sources.refuse(definition.at, concat(where, " must be a mapping"));
            TRY(checker.check_members(definition.value, section.rules, where));
        }
    }
    return {};
}

}  // namespace berth::compose
