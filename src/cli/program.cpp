#include "cli/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "sys/file.h"
#include "sys/socket.h"

namespace berth::cli {

namespace {

// An empty entry means the current folder, which is whoever's: what lies there, or below it, is not
// run. (CVE-2025-15558 and its like.)
std::string find_in_path(const std::string& name) {
    const char* path = std::getenv("PATH");
    for (const auto& folder : split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
        if (!folder.starts_with('/')) continue;
        const std::string candidate = folder + "/" + name;
        const auto status = sys::stat(candidate);
        if (status && S_ISREG(status->st_mode) && access(candidate.c_str(), X_OK) == 0)
            return candidate;
    }
    return {};
}

}  // namespace

Result<ProgramOutcome> run_program(const std::string& name,
                                   const std::vector<std::string>& arguments,
                                   const std::string& input) {
    const std::string path = find_in_path(name);
    if (path.empty()) return fail(ErrorCode::NotFound, "there is no program ", name, " in PATH");
    auto in = TRY(sys::make_pipe());
    auto out = TRY(sys::make_pipe());
    sys::SpawnRequest request;
    request.path = path;
    request.arguments = arguments;
    request.arguments.insert(request.arguments.begin(), name);
    for (char** entry = environ; *entry != nullptr; ++entry)
        request.environment.emplace_back(*entry);
    request.fds = {{0, in.first.get()}, {1, out.second.get()}};
    const auto child = TRY(sys::spawn(request).context("run ", path));
    in.first.close();
    out.second.close();
    // Input is a line or a small document, which a pipe holds: nobody waits for the other.
    sys::write_all(in.second, input)
        .ignore("a program that does not read its input says so by its status");
    in.second.close();
    ProgramOutcome outcome;
    outcome.output = TRY(sys::read_all(out.first, 1 << 20));
    outcome.status = TRY(child.pidfd.wait());
    return outcome;
}

}  // namespace berth::cli
