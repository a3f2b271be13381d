#include "sys/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/text.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

struct Name {
    std::string_view text;
    std::uint32_t value;
};

Result<std::uint32_t> parse_action(std::string_view text, std::uint32_t error_number) {
    if (text == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(error_number);
    if (text == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(error_number);
    static constexpr Name actions[] = {{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
                                       {"SCMP_ACT_KILL", SCMP_ACT_KILL},
                                       {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
                                       {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
                                       {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
                                       {"SCMP_ACT_LOG", SCMP_ACT_LOG},
                                       {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY}};
    for (const auto& action : actions) {
        if (action.text == text) return action.value;
    }
    return fail(ErrorCode::InvalidArgument, "unknown seccomp action ", text);
}

Result<scmp_compare> parse_operator(std::string_view text) {
    static constexpr Name operators[] = {{"SCMP_CMP_NE", SCMP_CMP_NE},
                                         {"SCMP_CMP_LT", SCMP_CMP_LT},
                                         {"SCMP_CMP_LE", SCMP_CMP_LE},
                                         {"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                         {"SCMP_CMP_GE", SCMP_CMP_GE},
                                         {"SCMP_CMP_GT", SCMP_CMP_GT},
                                         {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
    for (const auto& entry : operators) {
        if (entry.text == text) return static_cast<scmp_compare>(entry.value);
    }
    return fail(ErrorCode::InvalidArgument, "unknown seccomp operator ", text);
}

std::uint32_t architecture(std::string_view text) {
    // "SCMP_ARCH_X86_64" -> libseccomp's "x86_64"; 0 for what it does not know.
    if (!text.starts_with("SCMP_ARCH_")) return 0;
    return seccomp_arch_resolve_name(to_lower(text.substr(10)).c_str());
}

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

Error seccomp_error(std::string_view call, int result) { return Error::from_errno(call, -result); }

Result<> add_rule(void* context, const SeccompRule& rule, std::uint32_t action,
                  const std::string& name) {
    const int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) return {};
    std::vector<scmp_arg_cmp> comparisons;
    std::array<int, 6> uses{};
    for (const auto& argument : rule.arguments) {
        const auto op = TRY(parse_operator(argument.op));
        if (argument.index > 5)
            return fail(ErrorCode::InvalidArgument, "seccomp argument ", argument.index, " of ",
                        name);
        ++uses[argument.index];
        comparisons.push_back({.arg = argument.index,
                               .op = op,
                               .datum_a = argument.value,
                               .datum_b = argument.value_two});
    }
    // libseccomp takes one condition per argument and rule; several on one argument mean "any of
    // them" in profiles.
    const bool is_split =
        std::any_of(uses.begin(), uses.end(), [](int count) { return count > 1; });
    if (!is_split) {
        const int added = seccomp_rule_add_array(
            context, action, number, static_cast<unsigned>(comparisons.size()), comparisons.data());
        // EEXIST: the same rule twice. EACCES: the action is the default anyway.
        if (added < 0 && added != -EEXIST && added != -EACCES)
            return seccomp_error("seccomp_rule_add_array", added).with_context(name);
        return {};
    }
    for (const auto& comparison : comparisons) {
        const int added = seccomp_rule_add_array(context, action, number, 1, &comparison);
        if (added < 0 && added != -EEXIST && added != -EACCES)
            return seccomp_error("seccomp_rule_add_array", added).with_context(name);
    }
    return {};
}

Result<std::vector<std::byte>> export_program(void* context) {
    const Fd file = TRY(memfd("seccomp"));
    if (const int done = seccomp_export_bpf(context, file.get()); done < 0)
        return seccomp_error("seccomp_export_bpf", done);
    TRY(seek(file, 0, SEEK_SET));
    const std::string program = TRY(read_all(file, 1 << 20));
    const auto bytes = as_bytes(program);
    return std::vector(bytes.begin(), bytes.end());
}

}  // namespace

Result<std::vector<std::byte>> compile_seccomp(const SeccompFilter& filter) {
    const std::uint32_t default_action =
        TRY(parse_action(filter.default_action, filter.default_error_number));
    const Context context(seccomp_init(default_action), &seccomp_release);
    if (!context) return fail(ErrorCode::Internal, "seccomp_init failed");
    seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);
    // A filter of hundreds of system calls is searched as a binary tree instead of a list.
    seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const auto& name : filter.architectures) {
        const std::uint32_t token = architecture(name);
        if (token == 0) continue;
        const int added = seccomp_arch_add(context.get(), token);
        if (added < 0 && added != -EEXIST)
            return seccomp_error("seccomp_arch_add", added).with_context(name);
    }
    for (const auto& rule : filter.rules) {
        const std::uint32_t action = TRY(parse_action(rule.action, rule.error_number));
        if (action == default_action) continue;
        for (const auto& name : rule.names) TRY(add_rule(context.get(), rule, action, name));
    }
    return export_program(context.get());
}

Result<Fd> install_seccomp(std::span<const std::byte> program, unsigned flags) {
    const std::size_t count = program.size() / sizeof(sock_filter);
    if (count == 0 || count > 0xFFFF)
        return fail(ErrorCode::InvalidArgument, "a seccomp program of ", count, " instructions");
    sock_fprog value{
        .len = static_cast<unsigned short>(count),
        .filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(program.data()))};
    const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &value);
    if (result < 0) return Error::from_errno("seccomp", errno);
    if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) return Fd(static_cast<int>(result));
    return Fd();
}

}  // namespace berth::sys
