#include "runtime/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace berth::runtime {
namespace {

constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// "no such file or directory": the kernel's words as Go prints them, which is what users and
// scripts look for.
std::string words_of(int error) {
    // Docker before 25, client and engine, knows no other text for status 126.
    if (error == EISDIR) return "is a directory: permission denied";
    const char* description = strerrordesc_np(error);
    if (!description) return concat("errno ", error);
    std::string text = description;
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

// 0, or the errno that says why the file cannot be run.
int check_executable(const std::string& path) {
    struct stat status;
    if (::stat(path.c_str(), &status) < 0) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) < 0) return errno;
    // Root passes the check above if any execute bit is set; with none, exec refuses root as well.
    if (!(status.st_mode & 0111)) return EACCES;
    return 0;
}

ErrorCode code_of(int error) {
    if (error == ENOENT || error == ENOTDIR) return ErrorCode::NotFound;
    return error == EISDIR || error == EACCES || error == EPERM || error == ENOEXEC
               ? ErrorCode::PermissionDenied
               : code_from_errno(error);
}

std::string_view path_of(const std::vector<std::string>& environment) {
    // The last one counts when there are several, as for Go's environment.
    for (auto entry = environment.rbegin(); entry != environment.rend(); ++entry) {
        if (entry->starts_with("PATH=")) return std::string_view(*entry).substr(5);
    }
    return default_path;
}

}  // namespace

Result<std::string> find_program(const std::string& name,
                                 const std::vector<std::string>& environment) {
    if (name.find('/') != std::string::npos) {
        const int error = check_executable(name);
        if (error == 0) return name;
        if (error == ENOENT || error == ENOTDIR)
            return fail(code_of(error), "exec: \"", name, "\": stat ", name, ": ", words_of(error));
        return fail(code_of(error), "exec: \"", name, "\": ", words_of(error));
    }
    for (const auto& directory : split(path_of(environment), ':')) {
        std::string candidate = directory.empty() ? "./" + name : directory + "/" + name;
        if (!name.empty() && check_executable(candidate) == 0) return candidate;
    }
    return fail(ErrorCode::NotFound, "exec: \"", name, "\": executable file not found in $PATH");
}

Error execute(const std::string& path, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment) {
    const auto pointers = [](const std::vector<std::string>& texts) {
        std::vector<char*> out;
        out.reserve(texts.size() + 1);
        for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
        out.push_back(nullptr);
        return out;
    };
    const auto argv = pointers(arguments);
    const auto envp = pointers(environment);
    ::execve(path.c_str(), argv.data(), envp.data());
    const int error = errno;
    return fail(code_of(error), "exec ", path, ": ", words_of(error));
}

}  // namespace berth::runtime
