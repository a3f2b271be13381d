#include "cli/container/exit_code.h"

namespace berth::cli {

int exit_code_of_start(std::string_view message) {
    const auto says = [&](std::string_view words) {
        return message.find(words) != std::string_view::npos;
    };
    if (says("executable file not found") || says("no such file or directory") ||
        says("system cannot find the file"))
        return 127;
    if (says("permission denied") || says("is a directory") || says("exec format error"))
        return 126;
    return 125;
}

}  // namespace berth::cli
