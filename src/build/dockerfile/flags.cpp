#include <algorithm>

#include "build/dockerfile/parse_internal.h"

namespace berth::build::dockerfile {

Result<> check_flags(const Parts& parts, const std::vector<std::string>& allowed,
                     const std::vector<std::string>& repeatable) {
    std::vector<std::string> seen;
    for (const auto& flag : parts.flags) {
        if (std::ranges::find(allowed, flag.name) == allowed.end()) {
            std::string message = concat("unknown flag: --", flag.name);
            if (const auto meant = nearest(flag.name, allowed)) {
                message += concat(" (did you mean --", *meant, "?)");
            } else if (allowed.empty()) {
                message += concat(" (", parts.keyword, " takes none)");
            }
            return parts.flag_error(flag, message);
        }
        if (std::ranges::find(repeatable, flag.name) != repeatable.end()) continue;
        if (std::ranges::find(seen, flag.name) != seen.end())
            return parts.flag_error(flag, concat("duplicate flag specified: --", flag.name));
        seen.push_back(flag.name);
    }
    return {};
}

const Flag* find_flag(const Parts& parts, std::string_view name) {
    const auto found = std::ranges::find(parts.flags, name, &Flag::name);
    return found == parts.flags.end() ? nullptr : &*found;
}

Result<std::string> flag_value(const Parts& parts, std::string_view name) {
    const Flag* flag = find_flag(parts, name);
    if (!flag) return std::string();
    if (!flag->value) return parts.flag_error(*flag, concat("missing a value on flag: --", name));
    return *flag->value;
}

Result<bool> flag_bool(const Parts& parts, std::string_view name) {
    const Flag* flag = find_flag(parts, name);
    if (!flag) return false;
    const std::string value = to_lower(flag->value.value_or("true"));
    if (value == "true" || value.empty()) return true;
    if (value == "false") return false;
    return parts.flag_error(*flag,
                            concat("expecting boolean value for flag --", name, ", not: ", value));
}

}  // namespace berth::build::dockerfile
