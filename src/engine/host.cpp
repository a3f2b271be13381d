#include "engine/host.h"

#include <thread>

#include "base/text.h"
#include "sys/file.h"

namespace berth::engine {

namespace {
std::string read_line(const std::string& path) {
    const auto text = sys::read_file(path, 1 << 16);
    return text ? std::string(trim(*text)) : std::string();
}

/// NAME="value" lines of os-release(5).
std::string os_release(std::string_view text, std::string_view name) {
    for (const auto& line : split(text, '\n')) {
        const auto pair = split_once(line, '=');
        if (!pair || pair->first != name) continue;
        std::string_view value = pair->second;
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\''))
            value = value.substr(1, value.size() - 2);
        return std::string(value);
    }
    return {};
}

std::int64_t total_memory(std::string_view meminfo) {
    for (const auto& line : split(meminfo, '\n')) {
        if (!line.starts_with("MemTotal:")) continue;
        const auto number =
            parse_uint(trim(replace_all(std::string_view(line).substr(9), "kB", "")));
        return number ? static_cast<std::int64_t>(*number) * 1024 : 0;
    }
    return 0;
}
}  // namespace

Host Host::read() {
    Host host;
    host.hostname = read_line("/proc/sys/kernel/hostname");
    host.kernel_version = read_line("/proc/sys/kernel/osrelease");
    const std::string release = sys::read_file("/etc/os-release", 1 << 16).value_or("");
    host.operating_system = os_release(release, "PRETTY_NAME");
    if (host.operating_system.empty()) host.operating_system = "Linux";
    host.os_version = os_release(release, "VERSION_ID");
#if defined(__x86_64__)
    host.architecture = "x86_64";
    host.go_architecture = "amd64";
#elif defined(__aarch64__)
    host.architecture = "aarch64";
    host.go_architecture = "arm64";
#endif
    host.cpus = static_cast<int>(std::thread::hardware_concurrency());
    host.memory_bytes = total_memory(sys::read_file("/proc/meminfo", 1 << 16).value_or(""));
    host.cgroup_version = sys::exists("/sys/fs/cgroup/cgroup.controllers") ? 2 : 1;
    host.swap_limit = host.cgroup_version == 2 ||
                      sys::exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
    host.security_options = {"name=seccomp,profile=builtin"};
    if (host.cgroup_version == 2) host.security_options.push_back("name=cgroupns");
    return host;
}

}  // namespace berth::engine
