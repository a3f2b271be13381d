#include "container/seccomp_profile.h"

#include <algorithm>

#include "base/text.h"
#include "codec/json.h"

namespace berth::container {
namespace {

using codec::Json;

#if defined(__aarch64__)
constexpr char native_architecture[] = "arm64";
constexpr char native_scmp[] = "SCMP_ARCH_AARCH64";
#else
constexpr char native_architecture[] = "amd64";
constexpr char native_scmp[] = "SCMP_ARCH_X86_64";
#endif

bool has_capability(const HostConfig& host, const std::string& name) {
    if (host.privileged) return true;
    return std::ranges::any_of(host.cap_add, [&](const std::string& added) {
        const std::string upper = to_upper(added);
        return upper == "ALL" || upper == name || "CAP_" + upper == name;
    });
}

// A rule's "includes" and "excludes".
bool holds(const HostConfig& host, const Json& condition) {
    const auto capabilities = codec::get_strings(condition, "caps");
    const auto architectures = codec::get_strings(condition, "arches");
    const bool capability_met = std::ranges::all_of(
        capabilities, [&](const std::string& name) { return has_capability(host, name); });
    const bool architecture_met =
        architectures.empty() ||
        std::ranges::find(architectures, native_architecture) != architectures.end();
    return capability_met && architecture_met;
}

bool applies(const HostConfig& host, const Json& rule) {
    const Json* includes = codec::find_member(rule, "includes");
    const Json* excludes = codec::find_member(rule, "excludes");
    if (includes != nullptr && includes->is_object() && !holds(host, *includes)) return false;
    const bool has_exclusion = excludes != nullptr && excludes->is_object() && !excludes->empty();
    return !has_exclusion || !holds(host, *excludes);
}

oci::SeccompSyscall syscall_of(const Json& rule) {
    oci::SeccompSyscall out{.names = codec::get_strings(rule, "names"),
                            .action = codec::get_string(rule, "action")};
    if (const std::string name = codec::get_string(rule, "name"); !name.empty())
        out.names.push_back(name);
    if (codec::find_member(rule, "errnoRet") != nullptr)
        out.errno_ret = static_cast<std::uint32_t>(codec::get_int(rule, "errnoRet"));
    const Json* arguments = codec::find_member(rule, "args");
    if (arguments == nullptr || !arguments->is_array()) return out;
    for (const Json& argument : *arguments) {
        out.args.push_back(
            {.index = static_cast<unsigned>(codec::get_int(argument, "index")),
             .value = static_cast<std::uint64_t>(codec::get_int(argument, "value")),
             .value_two = static_cast<std::uint64_t>(codec::get_int(argument, "valueTwo")),
             .op = codec::get_string(argument, "op")});
    }
    return out;
}

}  // namespace

Result<std::optional<oci::RuntimeSeccomp>> seccomp_of(const HostConfig& host) {
    std::string text;
    for (const std::string& option : host.security_opt) {
        if (option.starts_with("seccomp=") || option.starts_with("seccomp:"))
            text = option.substr(8);
    }
    const bool is_named = text == "unconfined" || text == "builtin" || text == "strict";
    if (text.empty() || is_named || host.privileged) return std::optional<oci::RuntimeSeccomp>();
    const Json profile = TRY(codec::parse_json(text).context("Decoding seccomp profile failed"));
    if (!profile.is_object())
        return fail(ErrorCode::InvalidArgument, "Decoding seccomp profile failed: not an object");
    oci::RuntimeSeccomp out{.default_action = codec::get_string(profile, "defaultAction")};
    if (codec::find_member(profile, "defaultErrnoRet") != nullptr)
        out.default_errno_ret =
            static_cast<std::uint32_t>(codec::get_int(profile, "defaultErrnoRet"));
    out.architectures = codec::get_strings(profile, "architectures");
    if (const Json* map = codec::find_member(profile, "archMap");
        map != nullptr && map->is_array()) {
        for (const Json& entry : *map) {
            if (codec::get_string(entry, "architecture") != native_scmp) continue;
            out.architectures = codec::get_strings(entry, "subArchitectures");
            out.architectures.insert(out.architectures.begin(), native_scmp);
        }
    }
    if (const Json* rules = codec::find_member(profile, "syscalls");
        rules != nullptr && rules->is_array()) {
        for (const Json& rule : *rules) {
            if (applies(host, rule)) out.syscalls.push_back(syscall_of(rule));
        }
    }
    return std::optional<oci::RuntimeSeccomp>(std::move(out));
}

}  // namespace berth::container
