#include "runtime/seccomp_program.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/text.h"
#include "runtime/default_seccomp.h"
#include "runtime/seccomp_listener.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/seccomp.h"

namespace berth::runtime {
namespace {

// A cached file is: this line, the length of the key in decimal, a newline, the key, the program.
constexpr std::string_view cache_version = "berth-seccomp-2 " BERTH_VERSION "\n";
constexpr unsigned wait_killable = 1U << 5;  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
constexpr std::size_t max_cache_file = 4 << 20;

void append(std::string& key, const std::string& text) { key.append(text).push_back('\0'); }

std::string key_of(const oci::RuntimeSeccomp& profile) {
    std::string key = "profile\n";
    append(key, profile.default_action);
    key += concat(profile.default_errno_ret.value_or(1), '\n');
    for (const auto& name : profile.architectures) append(key, name);
    for (const auto& rule : profile.syscalls) {
        key += concat('\n', rule.errno_ret.value_or(1), ' ');
        append(key, rule.action);
        for (const auto& name : rule.names) append(key, name);
        for (const auto& argument : rule.args)
            append(key, concat('\n', argument.index, ' ', argument.value, ' ', argument.value_two,
                               ' ', argument.op));
    }
    return key;
}

std::string file_name(std::string_view key) {
    // Only a name: the key itself is compared when the file is read.
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    std::uint64_t swapped = __builtin_bswap64(hash);
    return to_hex(as_bytes({reinterpret_cast<const char*>(&swapped), sizeof(swapped)}));
}

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = berth::as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> load(const std::string& path, std::string_view key) {
    const auto file = sys::open(path, O_RDONLY | O_NOFOLLOW);
    if (file.is_error()) return {};
    const auto status = sys::fstat(*file);
    if (status.is_error() || status->st_uid != ::geteuid() || (status->st_mode & 022)) return {};
    const auto text = sys::read_all(*file, max_cache_file);
    if (text.is_error()) return {};
    const std::string head = concat(cache_version, key.size(), '\n');
    std::string_view rest = *text;
    if (!rest.starts_with(head)) return {};
    rest.remove_prefix(head.size());
    if (!rest.starts_with(key)) return {};
    return bytes_of(rest.substr(key.size()));
}

void store(const std::string& directory, const std::string& path, std::string_view key,
           const std::vector<std::byte>& program) {
    sys::mkdir_all(directory, 0700)
        .ignore("then the next line fails, and the filter is compiled each time");
    std::string text = concat(cache_version, key.size(), '\n', key, as_text(program));
    const std::string aside = concat(path, ".", ::getpid());
    const auto file = sys::open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (file.is_error()) return;
    const Result<> written = sys::write_all(*file, std::string_view(text));
    if (written.is_error() || sys::rename(aside, path).is_error())
        sys::unlink(aside).ignore("a cache may stay without this file");
}

Result<std::vector<std::byte>> compile(const oci::RuntimeSeccomp& profile) {
    sys::SeccompFilter filter{.default_action = profile.default_action,
                              .default_error_number = profile.default_errno_ret.value_or(1),
                              .architectures = profile.architectures,
                              .rules = {}};
    for (const auto& rule : profile.syscalls) {
        sys::SeccompRule out{
            .names = rule.names, .action = rule.action, .error_number = rule.errno_ret.value_or(1)};
        for (const auto& argument : rule.args)
            out.arguments.push_back({.index = argument.index,
                                     .value = argument.value,
                                     .value_two = argument.value_two,
                                     .op = argument.op});
        filter.rules.push_back(std::move(out));
    }
    return sys::compile_seccomp(filter);
}

sys::CapabilityMask granted_to(const oci::RuntimeSpec& spec) {
    if (!spec.process || !spec.process->capabilities) return 0;
    return sys::capability_mask(spec.process->capabilities->bounding);
}

template <typename MakeProfile>
Result<std::vector<std::byte>> cached(const std::string& key, const std::string& cache,
                                      MakeProfile make_profile) {
    const std::string path = cache + "/" + file_name(key) + ".bpf";
    if (!cache.empty()) {
        auto program = load(path, key);
        if (!program.empty()) return program;
    }
    auto program = TRY(compile(make_profile()));
    if (!cache.empty()) store(cache, path, key, program);
    return program;
}

}  // namespace

Result<std::vector<std::byte>> seccomp_program(const oci::RuntimeSpec& spec,
                                               const std::string& cache) {
    if (const auto& profile = spec.linux_config.seccomp) {
        TRY(check_listener(*profile));
        return cached(key_of(*profile), cache,
                      [&]() -> const oci::RuntimeSeccomp& { return *profile; });
    }
    const std::string* wanted = spec.find_annotation(oci::seccomp_annotation);
    if (!wanted || (*wanted != "default" && *wanted != "strict")) return std::vector<std::byte>();
    const sys::CapabilityMask granted = granted_to(spec);
    const auto kind = *wanted == "strict" ? SeccompKind::Strict : SeccompKind::Default;
    return cached(concat(*wanted, '\n', granted, '\n'), cache,
                  [&] { return default_seccomp(granted, kind); });
}

unsigned seccomp_flags(const oci::RuntimeSpec& spec) {
    // Without a word on it, speculation is left alone, as every runtime does: the mitigation costs
    // more than it gives.
    if (!spec.linux_config.seccomp) return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (spec.linux_config.seccomp->flags.empty())
        return SECCOMP_FILTER_FLAG_SPEC_ALLOW |
               (needs_listener(*spec.linux_config.seccomp) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
    unsigned flags = 0;
    const bool has_listener = needs_listener(*spec.linux_config.seccomp);
    if (has_listener) flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    for (const auto& flag : spec.linux_config.seccomp->flags) {
        if (flag == "SECCOMP_FILTER_FLAG_LOG") flags |= SECCOMP_FILTER_FLAG_LOG;
        if (flag == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        // The process has one thread, and the kernel takes only one of the two.
        if (flag == "SECCOMP_FILTER_FLAG_TSYNC" && !has_listener)
            flags |= SECCOMP_FILTER_FLAG_TSYNC;
        if (flag == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" && has_listener)
            flags |= wait_killable;
    }
    return flags;
}

}  // namespace berth::runtime
