#include "sys/cgroup_oom.h"

#include <sys/epoll.h>

#include "base/text.h"
#include "sys/epoll.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

struct MemoryFile {
    std::string path;
    bool is_v2 = false;
};

Result<MemoryFile> find_memory_file(const Cgroup& cgroup) {
    for (const Cgroup::Place& place : cgroup.places()) {
        if (!place.hierarchy.is_v2 && place.hierarchy.has("memory")) {
            return MemoryFile{place.directory + "/memory.oom_control", false};
        }
    }
    const std::string unified = cgroup.directory("");
    if (!unified.empty() && exists(unified + "/memory.events"))
        return MemoryFile{unified + "/memory.events", true};
    return fail(ErrorCode::NotFound, "no memory controller");
}

}  // namespace

Result<std::uint64_t> count_oom_kills(const Cgroup& cgroup) {
    const MemoryFile file = TRY(find_memory_file(cgroup));
    const std::string text = TRY(read_file(file.path, 4096));
    for (const std::string& line : split(text, '\n')) {
        const auto pair = split_once(line, ' ');
        if (pair && pair->first == "oom_kill") return parse_uint(pair->second).value_or(0);
    }
    return std::uint64_t{0};
}

Result<OomEvents> open_oom_events(const Cgroup& cgroup) {
    const MemoryFile file = TRY(find_memory_file(cgroup));
    OomEvents out;
    if (file.is_v2) {
        out.fd = TRY(open(file.path, O_RDONLY));
        out.events = EPOLLPRI;
        return out;
    }
    out.control = TRY(open(file.path, O_RDONLY));
    out.fd = TRY(make_eventfd());
    out.events = EPOLLIN;
    const std::string registration = concat(out.fd.get(), " ", out.control.get());
    TRY(write_file(file.path.substr(0, file.path.rfind('/')) + "/cgroup.event_control",
                   registration));
    return out;
}

}  // namespace berth::sys
