#include <nss.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"

// berth, and under the name "docker" just the same.
int main(int argc, char** argv) {
    // A static program must not load the machine's name service modules, which belong to the
    // machine's own C library. The hosts file and DNS are built in, and the address of an engine is
    // the only name ever looked up.
    __nss_configure_lookup("hosts", "files dns");
    berth::client::Environment environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (const auto parts = berth::split_once(*entry, '='))
            environment.emplace(parts->first, parts->second);
    }
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    // Who types "docker" expects Docker's defaults.
    const std::string_view name = argc > 0 ? argv[0] : "berth";
    if (name.substr(name.rfind('/') + 1) == "docker")
        words.insert(words.begin(), "--docker-defaults");
    return berth::cli::run_command_line(std::move(words), std::move(environment));
}
