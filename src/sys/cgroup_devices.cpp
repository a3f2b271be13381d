#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "sys/cgroup.h"

// Device access. v1 keeps a list of exceptions in the kernel; v2 asks a BPF program for each
// access, which is compiled here from the same rules. cgroup-v1/devices.rst; bpf(2)
// BPF_PROG_TYPE_CGROUP_DEVICE.
namespace berth::sys {
namespace {

std::string v1_text(const DeviceRule& rule) {
    const auto part = [](const std::optional<std::int64_t>& number) {
        return number && *number >= 0 ? std::to_string(*number) : std::string("*");
    };
    if (rule.type == 'a') return "a";
    return concat(rule.type, ' ', part(rule.major), ':', part(rule.minor), ' ', rule.access);
}

Result<> set_v1_rules(const Cgroup& cgroup, const std::vector<DeviceRule>& rules) {
    const std::string folder = cgroup.directory("devices");
    Fd files[2];
    for (const auto& rule : rules) {
        const char* name = rule.allow ? "/devices.allow" : "/devices.deny";
        Fd& file = files[rule.allow ? 1 : 0];
        if (!file) file = TRY(open(folder + name, O_WRONLY).context("restrict devices"));
        TRY(write_all(file, v1_text(rule)).context("write ", v1_text(rule), " to ", name));
    }
    return {};
}

int access_bits(const std::string& access) {
    int bits = 0;
    if (access.find('m') != std::string::npos) bits |= BPF_DEVCG_ACC_MKNOD;
    if (access.find('r') != std::string::npos) bits |= BPF_DEVCG_ACC_READ;
    if (access.find('w') != std::string::npos) bits |= BPF_DEVCG_ACC_WRITE;
    return bits;
}

class ProgramBuilder {
public:
    // Registers: r2 type, r3 access, r4 major, r5 minor, all loaded once.
    ProgramBuilder() {
        load(BPF_REG_2, 0);
        alu(BPF_AND, BPF_REG_2, 0xFFFF);
        load(BPF_REG_3, 0);
        alu(BPF_RSH, BPF_REG_3, 16);
        load(BPF_REG_4, 4);
        load(BPF_REG_5, 8);
    }

    // "If the access is one this rule speaks about, return its verdict." An allowance must cover
    // all that is asked for; a refusal needs only to touch it.
    void add(const DeviceRule& rule) {
        std::vector<std::size_t> misses;
        const auto skip_unless = [&](unsigned char operation, unsigned char reg,
                                     std::int32_t value) {
            misses.push_back(code_.size());
            emit(BPF_JMP | operation | BPF_K, reg, 0, 0, value);
        };
        if (rule.type != 'a')
            skip_unless(BPF_JNE, BPF_REG_2,
                        rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        const int bits = access_bits(rule.access);
        constexpr int all = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
        if (rule.type != 'a' && bits != all) {
            emit(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
            alu(BPF_AND, BPF_REG_1, rule.allow ? all & ~bits : bits);
            skip_unless(rule.allow ? BPF_JNE : BPF_JEQ, BPF_REG_1, 0);
        }
        if (rule.type != 'a' && rule.major && *rule.major >= 0)
            skip_unless(BPF_JNE, BPF_REG_4, static_cast<std::int32_t>(*rule.major));
        if (rule.type != 'a' && rule.minor && *rule.minor >= 0)
            skip_unless(BPF_JNE, BPF_REG_5, static_cast<std::int32_t>(*rule.minor));
        give_verdict(rule.allow);
        for (const std::size_t miss : misses)
            code_[miss].off = static_cast<std::int16_t>(code_.size() - miss - 1);
        if (misses.empty()) is_complete_ = true;
    }

    // What no rule speaks about is refused.
    std::vector<bpf_insn> finish() && {
        if (!is_complete_) give_verdict(false);
        return std::move(code_);
    }
    bool is_complete() const { return is_complete_; }

private:
    void emit(int code, int destination, int source, int offset, std::int32_t immediate) {
        bpf_insn instruction{};
        instruction.code = static_cast<std::uint8_t>(code);
        instruction.dst_reg = static_cast<std::uint8_t>(destination) & 15;
        instruction.src_reg = static_cast<std::uint8_t>(source) & 15;
        instruction.off = static_cast<std::int16_t>(offset);
        instruction.imm = immediate;
        code_.push_back(instruction);
    }
    void load(int reg, int offset) { emit(BPF_LDX | BPF_W | BPF_MEM, reg, BPF_REG_1, offset, 0); }
    void alu(int operation, int reg, std::int32_t value) {
        emit(BPF_ALU | operation | BPF_K, reg, 0, 0, value);
    }
    void give_verdict(bool allow) {
        emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow ? 1 : 0);
        emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    }
    std::vector<bpf_insn> code_;
    bool is_complete_ = false;
};

// Some kernels (6.17 on) write results past the attributes they know, so the buffer is larger than
// the union.
union LargeAttributes {
    bpf_attr attributes;
    char room[1024];
};

Result<Fd> load_program(const std::vector<bpf_insn>& code) {
    LargeAttributes request;
    std::memset(&request, 0, sizeof(request));
    request.attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    request.attributes.insns = reinterpret_cast<std::uintptr_t>(code.data());
    request.attributes.insn_cnt = static_cast<std::uint32_t>(code.size());
    request.attributes.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
    Fd fd(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &request, sizeof(bpf_attr))));
    if (!fd) return Error::from_errno("bpf(BPF_PROG_LOAD)", errno);
    return fd;
}

Result<> set_v2_rules(const Cgroup& cgroup, const std::vector<DeviceRule>& rules) {
    ProgramBuilder builder;
    // The last rule that matches counts, so the program asks from the end.
    for (auto rule = rules.rbegin(); rule != rules.rend() && !builder.is_complete(); ++rule)
        builder.add(*rule);
    const Fd program = TRY(load_program(std::move(builder).finish()));
    const Fd directory = TRY(cgroup.open_v2_directory());
    LargeAttributes request;
    std::memset(&request, 0, sizeof(request));
    request.attributes.target_fd = static_cast<std::uint32_t>(directory.get());
    request.attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    request.attributes.attach_type = BPF_CGROUP_DEVICE;
    request.attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &request, sizeof(bpf_attr)) < 0)
        return Error::from_errno("bpf(BPF_PROG_ATTACH)", errno);
    return {};
}

}  // namespace

Result<> set_device_rules(const Cgroup& cgroup, const std::vector<DeviceRule>& rules) {
    if (rules.empty()) return {};
    const auto is_v1_devices = [](const Cgroup::Place& place) {
        return !place.hierarchy.is_v2 && place.hierarchy.has("devices");
    };
    if (std::any_of(cgroup.places().begin(), cgroup.places().end(), is_v1_devices))
        return set_v1_rules(cgroup, rules);
    return set_v2_rules(cgroup, rules).context("restrict devices");
}

}  // namespace berth::sys
