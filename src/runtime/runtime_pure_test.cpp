#include <gtest/gtest.h>
#include <linux/capability.h>

#include <cerrno>

#include "runtime/command/arguments.h"
#include "runtime/default_seccomp.h"
#include "runtime/in_root.h"
#include "runtime/program.h"
#include "runtime/sync.h"
#include "runtime/sysctls.h"
#include "sys/seccomp.h"
#include "sys/socket.h"

namespace berth::runtime {
namespace {

TEST(FindProgram, HasTheWordsThatUsersKnow) {
    EXPECT_EQ(*find_program("sh", {"PATH=/nowhere:/bin"}), "/bin/sh");
    EXPECT_EQ(find_program("no-such", {"PATH=/bin"}).error().message(),
              "exec: \"no-such\": executable file not found in $PATH");
    EXPECT_EQ(find_program("/no/such", {}).error().message(),
              "exec: \"/no/such\": stat /no/such: no such file or directory");
    EXPECT_EQ(find_program("/etc", {}).error().message(),
              "exec: \"/etc\": is a directory: permission denied");
    EXPECT_EQ(find_program("/etc/passwd", {}).error().message(),
              "exec: \"/etc/passwd\": permission denied");
    EXPECT_TRUE(find_program("", {"PATH=/bin"}).is_error());
}

TEST(Sync, StepsAndErrorsCross) {
    auto pair = sys::socket_pair(sys::SocketKind::SeqPacket);
    ASSERT_TRUE(pair);
    ASSERT_TRUE(send_step(pair->first, Step::Ready));
    ASSERT_TRUE(send_failure(pair->first, fail(ErrorCode::NotFound, "no such thing")));
    const auto ready = receive_step(pair->second);
    ASSERT_TRUE(ready && *ready);
    EXPECT_EQ((*ready)->step, Step::Ready);
    const auto failed = receive_step(pair->second);
    ASSERT_TRUE(failed && *failed);
    EXPECT_EQ((*failed)->code, ErrorCode::NotFound);
    EXPECT_EQ((*failed)->text, "no such thing");
    pair->first.close();
    const auto end = receive_step(pair->second);
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);
}

TEST(Sync, RefusesWhatIsNoStep) {
    EXPECT_FALSE(parse_step(as_bytes("short")));
    std::string packet(12, '\xFF');
    EXPECT_FALSE(parse_step(as_bytes(packet)));
}

TEST(DefaultSeccomp, CompilesForEveryKindOfContainer) {
    for (const sys::CapabilityMask granted : {sys::CapabilityMask(0), ~sys::CapabilityMask(0)}) {
        const auto profile = default_seccomp(granted);
        sys::SeccompFilter filter{.default_action = profile.default_action,
                                  .architectures = profile.architectures,
                                  .rules = {}};
        for (const auto& rule : profile.syscalls) {
            sys::SeccompRule out{.names = rule.names,
                                 .action = rule.action,
                                 .error_number = rule.errno_ret.value_or(1)};
            for (const auto& argument : rule.args)
                out.arguments.push_back(
                    {argument.index, argument.value, argument.value_two, argument.op});
            filter.rules.push_back(std::move(out));
        }
        const auto program = sys::compile_seccomp(filter);
        ASSERT_TRUE(program) << program.error().message();
        EXPECT_GT(program->size(), 1000U);
    }
}

TEST(DefaultSeccomp, MountingNeedsTheCapability) {
    const auto allows = [](const oci::RuntimeSeccomp& profile, const std::string& name) {
        for (const auto& rule : profile.syscalls) {
            for (const auto& entry : rule.names) {
                if (entry == name && rule.action == "SCMP_ACT_ALLOW" && rule.args.empty())
                    return true;
            }
        }
        return false;
    };
    EXPECT_FALSE(allows(default_seccomp(0), "mount"));
    EXPECT_FALSE(allows(default_seccomp(0), "clone"));
    EXPECT_TRUE(allows(default_seccomp(sys::CapabilityMask(1) << CAP_SYS_ADMIN), "mount"));
    for (const char* never :
         {"io_uring_setup", "userfaultfd", "keyctl", "kexec_load", "socketcall"})
        EXPECT_FALSE(allows(default_seccomp(~sys::CapabilityMask(0)), never)) << never;
    const auto strict = default_seccomp(0, SeccompKind::Strict).syscalls;
    EXPECT_EQ(strict.front().names, std::vector<std::string>{"socketcall"});
    EXPECT_EQ(strict.front().errno_ret, unsigned{ENOSYS});
}

TEST(Sysctls, AreThoseOfTheContainersNamespaces) {
    oci::RuntimeLinux config;
    for (const char* kind : {"network", "ipc", "uts"}) config.namespaces.push_back({kind, ""});
    const auto file = [&](const char* key) { return sysctl_file(key, config, false); };
    EXPECT_EQ(*file("net.ipv4.ip_forward"), "sys/net/ipv4/ip_forward");
    EXPECT_EQ(*file("net/ipv4/conf/eth0.100/forwarding"), "sys/net/ipv4/conf/eth0.100/forwarding");
    EXPECT_EQ(*file("fs.mqueue.msg_max"), "sys/fs/mqueue/msg_max");
    EXPECT_EQ(*file("kernel.shm_rmid_forced"), "sys/kernel/shm_rmid_forced");
    EXPECT_EQ(*file("kernel/domainname"), "sys/kernel/domainname");
    for (const char* key : {"kernel.core_pattern", "kernel/core_pattern", "vm.swappiness",
                            "net/../kernel/core_pattern", "net./../kernel/core_pattern", "", "net.",
                            "net..ipv4", "/net/ipv4/ip_forward", "kernel.msgmax.x", "fs.mqueue"})
        EXPECT_TRUE(file(key).is_error()) << key;
    config.namespaces.clear();
    EXPECT_TRUE(file("net.ipv4.ip_forward").is_error());
    EXPECT_TRUE(file("kernel.msgmax").is_error());
    EXPECT_FALSE(sysctl_file("net.ipv4.ip_forward", config, true).is_error());
}

TEST(Arguments, FlagsEndAtTheFirstOtherWord) {
    static constexpr FlagSpec flags[] = {{"bundle", 'b', true}, {"detach", 'd', false}};
    const std::vector<std::string> words = {"-b", "x", "--detach", "id", "-b", "kept"};
    const auto arguments = Arguments::parse(words, flags);
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->value("bundle"), "x");
    EXPECT_TRUE(arguments->has("detach"));
    EXPECT_EQ(arguments->positional(), (std::vector<std::string>{"id", "-b", "kept"}));
    EXPECT_FALSE(Arguments::parse(std::vector<std::string>{"--unknown"}, flags));
    EXPECT_FALSE(Arguments::parse(std::vector<std::string>{"--bundle"}, flags));
}

}  // namespace
}  // namespace berth::runtime
