#include "compose/merge.h"

#include <algorithm>
#include <array>
#include <functional>

#include "compose/short_forms.h"

namespace berth::compose {

using codec::YamlNode;

namespace {

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Sequences of NAME=value that are mappings in disguise.
constexpr std::array<std::string_view, 8> keyed_lists{"environment", "labels",      "args",
                                                      "sysctls",     "annotations", "extra_hosts",
                                                      "driver_opts", "options"};
constexpr std::array<std::string_view, 3> replaced{"command", "entrypoint", "test"};
constexpr std::array<std::string_view, 9> unique_sets{"cap_add",    "cap_drop",     "dns",
                                                      "dns_search", "dns_opt",      "expose",
                                                      "tmpfs",      "security_opt", "profiles"};

/// What makes two entries of a sequence the same entry; empty for none.
using KeyOf = std::function<std::string(const YamlNode&)>;

KeyOf unique_key_of(std::string_view name) {
    if (name == "ports") {
        return [](const YamlNode& item) {
            auto ports = expand_port(item);
            if (!ports || ports->empty()) return std::string();
            const YamlNode& port = ports->front();
            std::string key;
            for (const std::string_view part : {"host_ip", "target", "published", "protocol"}) {
                const YamlNode* value = port.find(part);
                key += (value ? value->scalar : std::string()) + "|";
            }
            return key;
        };
    }
    if (name == "volumes" || name == "secrets" || name == "configs" || name == "devices") {
        return [name = std::string(name)](const YamlNode& item) {
            if (item.is_mapping()) {
                const YamlNode* target = item.find("target");
                if (!target) target = item.find("source");
                return target ? target->scalar : std::string();
            }
            if (name == "volumes") {
                const auto volume = expand_volume(item);
                const YamlNode* target = volume ? volume->find("target") : nullptr;
                return target ? target->scalar : std::string();
            }
            if (name == "devices")
                return split(item.scalar, ':').size() > 1 ? split(item.scalar, ':')[1]
                                                          : item.scalar;
            return item.scalar;
        };
    }
    if (is_one_of(name, unique_sets)) return [](const YamlNode& item) { return item.scalar; };
    return {};
}

YamlNode merge_values(std::string_view name, YamlNode base, const YamlNode& over);

YamlNode merge_mappings(YamlNode base, const YamlNode& over) {
    for (const auto& member : over.members) {
        if (member.value.tag == "!reset") {
            base.erase(member.key);
            continue;
        }
        const YamlNode* existing = base.find(member.key);
        if (!existing) {
            base.members.push_back(member);
            drop_resets(base.members.back().value);
        } else {
            base.set(member.key, merge_values(member.key, *existing, member.value));
        }
    }
    return base;
}

YamlNode merge_sequences(std::string_view name, YamlNode base, const YamlNode& over) {
    const KeyOf key_of = unique_key_of(name);
    for (const auto& item : over.items) {
        const std::string key = key_of ? key_of(item) : std::string();
        const auto same = std::find_if(
            base.items.begin(), base.items.end(),
            [&](const YamlNode& existing) { return !key.empty() && key_of(existing) == key; });
        if (same != base.items.end()) {
            *same = same->is_mapping() && item.is_mapping() ? merge_mappings(*same, item) : item;
        } else {
            base.items.push_back(item);
        }
    }
    base.at = over.at;
    return base;
}

YamlNode merge_values(std::string_view name, YamlNode base, const YamlNode& over) {
    if (over.tag == "!override") return over;
    // A service may be called "test": two mappings are never a command line.
    if (is_one_of(name, replaced) && !(base.is_mapping() && over.is_mapping())) return over;
    if (over.is_null()) return base;
    if (is_one_of(name, keyed_lists))
        return merge_mappings(list_to_mapping(base), list_to_mapping(over));
    if (name == "depends_on" || name == "networks") {
        return merge_mappings(names_to_mapping(base), names_to_mapping(over));
    }
    if (name == "build" && base.is_scalar() != over.is_scalar()) {
        return merge_mappings(build_to_mapping(base), build_to_mapping(over));
    }
    if ((name == "env_file" || name == "dns" || name == "dns_search" || name == "tmpfs") &&
        (base.is_scalar() || over.is_scalar())) {
        return merge_sequences(name, to_sequence(base), to_sequence(over));
    }
    if (base.is_mapping() && over.is_mapping()) return merge_mappings(std::move(base), over);
    if (base.is_sequence() && over.is_sequence())
        return merge_sequences(name, std::move(base), over);
    return over;
}

}  // namespace

void drop_resets(YamlNode& node) {
    std::erase_if(node.members,
                  [](const YamlNode::Member& member) { return member.value.tag == "!reset"; });
    std::erase_if(node.items, [](const YamlNode& item) { return item.tag == "!reset"; });
    for (auto& member : node.members) drop_resets(member.value);
    for (auto& item : node.items) drop_resets(item);
}

YamlNode merge_services(YamlNode base, const YamlNode& over) {
    return merge_mappings(std::move(base), over);
}

YamlNode merge_files(YamlNode base, const YamlNode& over) {
    if (!base.is_mapping()) return over;
    for (const auto& section : over.members) {
        YamlNode* existing = base.find(section.key);
        const bool is_named_section =
            section.value.is_mapping() && existing && existing->is_mapping();
        if (!is_named_section) {
            base.set(section.key, section.value);
            continue;
        }
        // "networks" of the top level is a mapping of definitions, not a service's list of names.
        *existing = merge_mappings(std::move(*existing), section.value);
    }
    return base;
}

}  // namespace berth::compose
