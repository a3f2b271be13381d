#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>

#include "base/log.h"
#include "shim/init.h"
#include "shim/shim.h"
#include "sys/file.h"
#include "sys/process.h"

namespace berth::shim {
namespace {

constexpr int engine_fd = 3;

Result<> run(const std::string& run_directory, const std::string& cgroup, bool wants_network) {
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
    shim.make_ahead(cgroup, wants_network);
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
    const bool wants_network = argument_count == 4 && std::strcmp(arguments[3], "network") == 0;
    if (argument_count != 3 && !wants_network) {
        const char usage[] =
            "usage: berth-shim RUN-DIRECTORY CGROUP [network] (started by berthd)\n       "
            "berth-shim init -- COMMAND...\n";
        return ::write(2, usage, sizeof(usage) - 1) < 0 ? 1 : 2;
    }
    const std::string run_directory = arguments[1];
    auto outcome = run(run_directory, arguments[2], wants_network);
    for (const char* name : {"/shim.sock", "/pid"})
        sys::unlink(run_directory + name).ignore("the engine sweeps it");
    if (outcome) return 0;
    log.error("shim failed", {{"error", outcome.error().message()}});
    return 1;
}

}  // namespace berth::shim
