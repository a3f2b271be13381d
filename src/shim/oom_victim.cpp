#include "shim/oom_victim.h"

#include "base/text.h"

namespace berth::shim {
namespace {

// The value after ",key=" up to the next comma or the end of the line.
std::string_view value_of(std::string_view line, std::string_view key) {
    const std::size_t start = line.find(key);
    if (start == std::string_view::npos) return {};
    const std::string_view rest = line.substr(start + key.size());
    return rest.substr(0, rest.find_first_of(",\n"));
}

}  // namespace

std::optional<OomVictim> find_oom_victim(std::string_view log, std::string_view cgroup) {
    if (cgroup.empty()) return std::nullopt;
    std::optional<OomVictim> found;
    for (std::size_t at = 0; (at = log.find("oom-kill:", at)) != std::string_view::npos; ++at) {
        const std::string_view line = log.substr(at, log.find('\n', at) - at);
        const std::string_view group = value_of(line, ",task_memcg=");
        // The hierarchy may be mounted from further down, and the process may sit in a group of the
        // container's own.
        const std::size_t place = group.find(cgroup);
        if (place == std::string_view::npos) continue;
        const std::string_view below = group.substr(place + cgroup.size());
        if (!below.empty() && below.front() != '/') continue;
        found = OomVictim{
            .pid = static_cast<std::int32_t>(parse_int(value_of(line, ",pid=")).value_or(0)),
            .name = std::string(value_of(line, ",task="))};
    }
    return found;
}

}  // namespace berth::shim
