#include "container/program_check.h"

#include <elf.h>
#include <string.h>

#include <array>
#include <vector>

#include "base/path.h"
#include "base/text.h"
#include "sys/file.h"

namespace berth::container {
namespace {

constexpr std::size_t head_bytes = 8192;

template <typename T>
std::optional<T> read_at(std::string_view bytes, std::size_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
    T out;
    ::memcpy(&out, bytes.data() + offset, sizeof(T));
    return out;
}

template <typename Header, typename Segment>
std::string elf_interpreter(std::string_view bytes) {
    const auto header = read_at<Header>(bytes, 0);
    for (unsigned i = 0; header && i < header->e_phnum; ++i) {
        const auto segment =
            read_at<Segment>(bytes, header->e_phoff + std::size_t{i} * sizeof(Segment));
        if (!segment) break;
        if (segment->p_type != PT_INTERP || segment->p_offset > bytes.size()) continue;
        const std::string_view text = bytes.substr(segment->p_offset, segment->p_filesz);
        return std::string(text.substr(0, text.find('\0')));
    }
    return {};
}

struct Candidate {
    std::string path;
    std::string head;
    mode_t mode = 0;
};

std::optional<Candidate> open_candidate(const OpenInside& open, const std::string& path) {
    // Looked at before it is opened: opening a device may be all that an image wants.
    const auto node = open(clean_absolute_path(path), O_PATH);
    if (!node) return std::nullopt;
    const auto about = sys::fstat(*node);
    if (!about || !S_ISREG(about->st_mode)) return std::nullopt;
    const auto file = sys::reopen(*node, O_RDONLY | O_NONBLOCK);
    if (!file) return std::nullopt;
    std::string head(head_bytes, '\0');
    const auto got = sys::pread(*file, std::as_writable_bytes(std::span(head)), 0);
    head.resize(got ? *got : 0);
    return Candidate{clean_absolute_path(path), std::move(head), about->st_mode};
}

std::optional<Candidate> find_candidate(const OpenInside& open, const std::string& program,
                                        const std::string& path_variable,
                                        const std::string& working_dir) {
    if (program.starts_with('/')) return open_candidate(open, program);
    if (program.find('/') != std::string::npos)
        return open_candidate(open, concat(working_dir, "/", program));
    for (const std::string& folder : split(path_variable, ':')) {
        if (auto found = open_candidate(open, concat(folder, "/", program))) return found;
    }
    return std::nullopt;
}

std::string missing_interpreter(const Candidate& program, const ProgramHead& head) {
    if (head.kind == ProgramHead::Kind::Script && head.has_carriage_return) {
        return concat(program.path,
                      " has Windows line ends: its first line asks for the interpreter \"",
                      head.interpreter, "\\r\"; save it with Unix line ends");
    }
    if (head.kind == ProgramHead::Kind::Script) {
        return concat(program.path, " is a script for ", head.interpreter,
                      ", which the image does not have");
    }
    return concat(program.path, " needs the loader ", head.interpreter,
                  ", which the image does not have: it was built for another C library (glibc or "
                  "musl), or another image");
}

}  // namespace

ProgramHead read_program_head(std::string_view bytes) {
    ProgramHead out;
    if (bytes.starts_with("#!")) {
        out.kind = ProgramHead::Kind::Script;
        std::string_view line = bytes.substr(2, bytes.substr(2).find('\n'));
        if (line.ends_with('\r')) {
            out.has_carriage_return =
                line.find(' ', line.find_first_not_of(' ')) == std::string_view::npos;
            line.remove_suffix(1);
        }
        line = trim(line);
        out.interpreter = line.substr(0, line.find_first_of(" \t"));
        return out;
    }
    if (!bytes.starts_with(ELFMAG) || bytes.size() < 20) return out;
    out.kind = ProgramHead::Kind::Elf;
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const bool is_little = at(EI_DATA) == ELFDATA2LSB;
    out.machine = is_little ? at(18) | unsigned{at(19)} << 8 : at(19) | unsigned{at(18)} << 8;
    if (!is_little) return out;  // its numbers are not ours
    out.interpreter = at(EI_CLASS) == ELFCLASS64 ? elf_interpreter<Elf64_Ehdr, Elf64_Phdr>(bytes)
                                                 : elf_interpreter<Elf32_Ehdr, Elf32_Phdr>(bytes);
    return out;
}

std::string machine_name(unsigned machine) {
    switch (machine) {
        case EM_X86_64: return "x86-64";
        case EM_386: return "x86 (32 bit)";
        case EM_AARCH64: return "arm64";
        case EM_ARM: return "arm (32 bit)";
        case EM_PPC64: return "ppc64";
        case EM_S390: return "s390x";
        case EM_RISCV: return "riscv";
        default: return concat("machine ", machine);
    }
}

unsigned host_machine() {
#if defined(__aarch64__)
    return EM_AARCH64;
#else
    return EM_X86_64;
#endif
}

std::optional<std::string> find_program_problem(const OpenInside& open, const std::string& program,
                                                const std::string& path_variable,
                                                const std::string& working_dir) {
    const auto candidate = find_candidate(open, program, path_variable, working_dir);
    if (!candidate) return std::nullopt;
    if ((candidate->mode & 0111) == 0)
        return concat(candidate->path, " is not executable: chmod +x it when the image is built");
    const ProgramHead head = read_program_head(candidate->head);
    const bool runs_here =
        head.machine == host_machine() || (host_machine() == EM_X86_64 && head.machine == EM_386);
    if (head.kind == ProgramHead::Kind::Elf && !runs_here) {
        return concat(candidate->path, " is a program for ", machine_name(head.machine),
                      ", and this machine is ", machine_name(host_machine()),
                      ": use an image for this platform");
    }
    if (head.kind == ProgramHead::Kind::Unknown) {
        return concat(candidate->path, " is neither a program nor a script with a \"#!\" line");
    }
    if (head.interpreter.empty()) return std::nullopt;
    const bool is_there = !head.has_carriage_return &&
                          static_cast<bool>(open(clean_absolute_path(head.interpreter), O_PATH));
    if (is_there) return std::nullopt;
    return missing_interpreter(*candidate, head);
}

}  // namespace berth::container
