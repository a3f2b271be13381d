#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "shim/init.h"
#include "shim/shim.h"
#include "sys/file.h"
#include "sys/process.h"

namespace berth::shim {
namespace {

constexpr int engine_fd = 3;

// "network=FIRST+COUNT": a network namespace, in a user namespace of these ids if there are any.
std::optional<AheadNetwork> parse_network(std::string_view text) {
    if (!text.starts_with("network=")) return std::nullopt;
    const auto ids = split_once(text.substr(8), '+');
    if (!ids) return std::nullopt;
    const auto first = parse_int(ids->first), count = parse_int(ids->second);
    if (!first || !count) return std::nullopt;
    return AheadNetwork{static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*count)};
}

Result<> run(const std::string& run_directory, const std::string& cgroup,
             const std::optional<AheadNetwork>& network) {
    // It is started by descriptor, whose number would be its name.
    ::prctl(PR_SET_NAME, "berth-shim");
    TRY(sys::close_on_exec_from(engine_fd));
    TRY(sys::become_subreaper());
    TRY(sys::make_undumpable());
    // The last to go when memory is short; it holds what keeps the container manageable.
    sys::write_file("/proc/self/oom_score_adj", "-998").ignore("not permitted everywhere");
    EventLoop loop = TRY(EventLoop::create());
    Shim shim(loop, run_directory);
    TRY(shim.open(sys::Fd(engine_fd)));
    shim.make_ahead(cgroup, network);
    return loop.run();
}

}  // namespace

int shim_main(int argument_count, char** arguments) {
    if (argument_count > 1 && std::strcmp(arguments[1], "init") == 0)
        return init_main(argument_count - 2, arguments + 2);
    // Bind-mounted over /sbin/docker-init it is called by that name.
    if (const char* name = std::strrchr(arguments[0], '/');
        name != nullptr && std::strcmp(name, "/docker-init") == 0) {
        return init_main(argument_count - 1, arguments + 1);
    }
    const auto network = argument_count == 4 ? parse_network(arguments[3]) : std::nullopt;
    if (argument_count != 3 && !network) {
        const char usage[] =
            "usage: berth-shim RUN-DIRECTORY CGROUP [network=FIRST+COUNT] (started by berthd)\n"
            "       "
            "berth-shim init -- COMMAND...\n";
        return ::write(2, usage, sizeof(usage) - 1) < 0 ? 1 : 2;
    }
    const std::string run_directory = arguments[1];
    auto outcome = run(run_directory, arguments[2], network);
    for (const char* name : {"/shim.sock", "/pid"})
        sys::unlink(run_directory + name).ignore("the engine sweeps it");
    if (outcome) return 0;
    log.error("shim failed", {{"error", outcome.error().message()}});
    return 1;
}

}  // namespace berth::shim
