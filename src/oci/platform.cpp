#include "oci/platform.h"

#include <sys/utsname.h>

#include "base/text.h"

namespace berth::oci {

namespace {

bool is_known_os(std::string_view os) {
    static constexpr std::string_view known[] = {
        "aix",    "android", "darwin", "dragonfly", "freebsd", "illumos", "ios",     "js", "linux",
        "netbsd", "openbsd", "plan9",  "solaris",   "wasi",    "wasip1",  "windows", "zos"};
    for (const auto name : known)
        if (name == os) return true;
    return false;
}

bool is_known_architecture(std::string_view name) {
    static constexpr std::string_view known[] = {
        "386",    "amd64",    "arm",   "arm64",   "loong64", "mips",  "mipsle",
        "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"};
    for (const auto architecture : known)
        if (architecture == name) return true;
    return false;
}

void normalise_architecture(std::string& architecture, std::string& variant) {
    if (architecture == "x86_64" || architecture == "x86-64") architecture = "amd64";
    if (architecture == "i386" || architecture == "i686" || architecture == "x86")
        architecture = "386";
    if (architecture == "aarch64") architecture = "arm64";
    if (architecture == "armhf") architecture = "arm", variant = "v7";
    if (architecture == "armel") architecture = "arm", variant = "v6";
    if (architecture.starts_with("armv") && architecture.size() >= 5) {
        variant = concat("v", architecture[4]);
        architecture = architecture[4] == '8' ? "arm64" : "arm";
    }
    if (architecture == "arm" && variant.empty()) variant = "v7";
    if (architecture == "arm64" && (variant == "v8" || variant == "8")) variant.clear();
    if (architecture == "amd64" && variant == "v1") variant.clear();
    if (architecture == "arm" && variant.size() == 1) variant = "v" + variant;
}

/// The number of "v7"; 0 for anything else.
int variant_level(std::string_view variant) {
    if (!variant.starts_with('v')) return 0;
    return static_cast<int>(parse_uint(variant.substr(1)).value_or(0));
}

}  // namespace

Platform normalise(Platform platform) {
    platform.os = to_lower(platform.os);
    platform.architecture = to_lower(platform.architecture);
    platform.variant = to_lower(platform.variant);
    if (platform.os == "macos") platform.os = "darwin";
    normalise_architecture(platform.architecture, platform.variant);
    return platform;
}

Platform Platform::host() {
    utsname name{};
    uname(&name);
    return normalise({.os = "linux", .architecture = name.machine});
}

Result<Platform> Platform::parse(std::string_view text) {
    const auto parts = split(text, '/');
    if (text.empty() || parts.size() > 3)
        return fail(ErrorCode::InvalidArgument, "platform \"", text,
                    "\": expected os/architecture[/variant]");
    for (const auto& part : parts)
        if (part.empty() ||
            part.find_first_not_of(
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
                std::string::npos)
            return fail(ErrorCode::InvalidArgument, "platform \"", text, "\": invalid component \"",
                        part, "\"");
    Platform out = host();
    if (parts.size() == 1) {
        Platform only = normalise({.os = parts[0]});
        if (is_known_os(only.os)) {
            out.os = only.os;
            return out;
        }
        only = normalise({.os = "linux", .architecture = parts[0]});
        if (is_known_architecture(only.architecture)) return only;
        return fail(ErrorCode::InvalidArgument, "platform \"", text,
                    "\": unknown operating system or architecture");
    }
    return normalise(
        {.os = parts[0], .architecture = parts[1], .variant = parts.size() == 3 ? parts[2] : ""});
}

std::string Platform::to_string() const {
    std::string out = os + "/" + architecture;
    if (!variant.empty()) out += "/" + variant;
    return out;
}

int match(const Platform& wanted_platform, const Platform& candidate_platform) {
    const Platform wanted = normalise(wanted_platform), candidate = normalise(candidate_platform);
    if (wanted.os != candidate.os) return 0;
    if (!wanted.os_version.empty() && !candidate.os_version.empty() &&
        wanted.os_version != candidate.os_version)
        return 0;
    if (wanted.architecture == candidate.architecture) {
        if (wanted.variant == candidate.variant) return 100;
        const int wanted_level = variant_level(wanted.variant),
                  level = variant_level(candidate.variant);
        // Only numbers have an order: what another word means runs nothing but itself.
        if ((wanted_level == 0 && !wanted.variant.empty()) ||
            (level == 0 && !candidate.variant.empty()))
            return 0;
        if (level > wanted_level) return 0;
        return 50 + level;
    }
    if (wanted.architecture == "amd64" && candidate.architecture == "386") return 10;
    if (wanted.architecture == "arm64" && candidate.architecture == "arm")
        return 10 + variant_level(candidate.variant);
    return 0;
}

bool is_same(const Platform& a_platform, const Platform& b_platform) {
    const Platform a = normalise(a_platform), b = normalise(b_platform);
    return a.os == b.os && a.architecture == b.architecture && a.variant == b.variant;
}

}  // namespace berth::oci
