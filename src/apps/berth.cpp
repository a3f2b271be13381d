#include <unistd.h>

#include "cli/context.h"

// berth, and under the name "docker" just the same.
int main(int argc, char** argv) {
    berth::client::Environment environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (const auto parts = berth::split_once(*entry, '=')) environment.emplace(parts->first, parts->second);
    }
    return berth::cli::run_command_line({argv + 1, argv + argc}, std::move(environment));
}
