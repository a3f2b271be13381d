#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

// Why a program that is there could not be started: the kernel's "no such file" and "exec format
// error" do not say which file, and which format.
namespace berth::container {

/// What the first bytes of a program say it needs.
struct ProgramHead {
    enum class Kind { Script, Elf, Unknown } kind = Kind::Unknown;
    std::string interpreter;  // of a script, or the loader of a dynamic program; may be empty
    bool has_carriage_return = false;  // the script's first line ends as on Windows
    unsigned machine = 0;              // e_machine of an ELF file
};
/// `bytes` is the start of the file, some kilobytes at most. elf(5), execve(2).
ProgramHead read_program_head(std::string_view bytes);
/// "x86-64", "arm64" ...; the number for others.
std::string machine_name(unsigned machine);
/// e_machine of this host.
unsigned host_machine();

/// Opens a path of a container, clean and absolute. What it finds is hostile: links stay inside.
using OpenInside = std::function<Result<sys::Fd>(const std::string& path, int flags)>;

/// What keeps `program` (as in argv[0], looked up in `path_variable`) from being started; nullopt
/// when nothing can be seen from here. Nothing but regular files is read.
std::optional<std::string> find_program_problem(const OpenInside& open, const std::string& program,
                                                const std::string& path_variable,
                                                const std::string& working_dir);

}  // namespace berth::container
