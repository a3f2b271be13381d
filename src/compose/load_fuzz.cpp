#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "compose/project.h"

// Whatever a compose file says, loading it ends with a refusal or with a project whose canonical
// form is YAML again.

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const int file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
    compose::LoadOptions options;
    options.files = {concat("/proc/self/fd/", file)};
    options.project_directory = options.working_dir = "/nowhere";
    options.project_name = "fuzz";
    options.environment = {{"A", "1"}, {"EMPTY", ""}};
    const auto project = compose::load_project(options);
    close(file);
    if (!project) return 0;
    const auto again = codec::parse_yaml(compose::to_yaml(*project), "again");
    if (!again) std::abort();
    compose::to_json(*project);
    return 0;
}
