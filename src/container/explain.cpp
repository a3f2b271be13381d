#include <algorithm>

#include "container/image_defaults.h"
#include "container/implementation_internal.h"
#include "container/program_check.h"
#include "shim/exit_file.h"
#include "sys/file.h"
#include "volume/store.h"

// The facts behind `why`: what the shim left or tells, and what the root shows.
namespace berth::container {
namespace {

std::string path_variable(const ContainerSpec& spec) {
    for (const std::string& line : spec.env) {
        if (line.starts_with("PATH=")) return line.substr(5);
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

std::int64_t processor_limit(const ContainerSpec& spec) {
    for (const Ulimit& limit : spec.host.ulimits) {
        if (limit.name == "cpu") return std::max<std::int64_t>(limit.hard, 0);
    }
    return 0;
}

}  // namespace

std::optional<std::string> Containers::Implementation::program_problem(Container& container) {
    const auto spec = container.spec();
    const std::vector<std::string> line = command_line(*spec);
    const auto root = mount_root(container, *spec);
    if (line.empty() || !root) return std::nullopt;
    const OpenInside open = [&](const std::string& path, int flags) -> Result<sys::Fd> {
        const MountRequest* mount = find_covering_mount(container, path);
        if (mount == nullptr) return sys::open_in_root(root->fd(), path, flags);
        if (path == mount->target) return open_mount_source(*mount, flags | O_NOCTTY);
        const sys::Fd folder = TRY(open_mount_source(*mount, O_PATH | O_DIRECTORY));
        return sys::open_in_root(folder, path.substr(mount->target.size()), flags);
    };
    return find_program_problem(open, line.front(), path_variable(*spec), spec->working_dir);
}

Result<Explanation> Containers::why(std::string_view key) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    const auto spec = container->spec();
    WhyFacts facts{.state = container->state(),
                   .last_exit = {},
                   .memory_limit = spec->host.resources.memory,
                   .processor_limit = processor_limit(*spec),
                   .restart = spec->host.restart,
                   .program = {},
                   .program_problem = {},
                   .now = implementation_->clock_.now()};
    if (is_alive(facts.state.status)) {
        if (const auto client = container->shim()) {
            const auto told = client->call<shim::State>(shim::Query{});
            if (told && told->last_exit.finished_at != 0) facts.last_exit = told->last_exit;
        }
    } else {
        facts.last_exit = shim::read_exit_file(container->directory);
        const bool never_ran = !facts.last_exit && !facts.state.error.empty();
        if (never_ran) {
            const std::lock_guard operation(container->operation);
            facts.program_problem = implementation_->program_problem(*container);
        }
    }
    return explain(facts);
}

}  // namespace berth::container
