#include "sys/features.h"

#include "base/text.h"
#include "codec/json.h"
#include "runtime/command/command.h"
#include "runtime/mount_options.h"
#include "sys/capability.h"

namespace berth::runtime {

// runtime-spec, features.md and features-linux.md.
CommandResult features_command(const CommandContext& context) {
    TRY(Arguments::parse(context.words, {}));
    codec::Json capabilities = codec::Json::array();
    for (int number = 0; number <= sys::last_capability(); ++number) {
        if (!sys::capability_name(number).empty())
            capabilities.push_back(sys::capability_name(number));
    }
    const codec::Json seccomp = {
        {"enabled", sys::features().seccomp},
        {"actions",
         {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
          "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE",
          "SCMP_ACT_TRAP"}},
        {"operators",
         {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
          "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"}},
        {"archs",
         {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86",
          "SCMP_ARCH_X86_64"}},
        {"knownFlags",
         {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG",
          "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}},
        {"supportedFlags",
         {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG",
          "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}}};
    const codec::Json out = {
        {"ociVersionMin", "1.0.0"},
        {"ociVersionMax", oci::runtime_spec_version},
        {"hooks",
         {"prestart", "createRuntime", "createContainer", "startContainer", "poststart",
          "poststop"}},
        {"mountOptions", known_mount_options()},
        {"linux",
         {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
          {"capabilities", capabilities},
          {"cgroup",
           {{"v1", true},
            {"v2", true},
            {"systemd", false},
            {"systemdUser", false},
            {"rdma", true}}},
          {"seccomp", seccomp},
          {"apparmor", {{"enabled", true}}},
          {"selinux", {{"enabled", true}}},
          {"intelRdt", {{"enabled", false}}},
          {"mountExtensions", {{"idmap", {{"enabled", true}}}}},
          {"netDevices", {{"enabled", true}}}}},
        {"annotations", {{"org.berth.version", BERTH_VERSION}}}};
    print(codec::dump_json_pretty(out, 4) + "\n");
    return 0;
}

}  // namespace berth::runtime
