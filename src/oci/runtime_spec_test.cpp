#include "oci/runtime_spec.h"

#include <gtest/gtest.h>

namespace berth::oci {
namespace {

constexpr std::string_view small =
    R"({"ociVersion":"1.0.2","process":{"cwd":"/","args":["a"],"user":{"uid":1,"gid":2}},"root":{"path":"r"},"linux":{}})";

TEST(RuntimeSpec, ReadsAndWritesTheSameValue) {
    const std::string text =
        R"({"ociVersion":"1.0.2","process":{"terminal":true,"consoleSize":{"width":80,"height":25},)"
        R"("user":{"uid":1,"gid":2,"umask":18,"additionalGids":[3]},"args":["a","b"],"env":["A=b"],"cwd":"/",)"
        R"("capabilities":{"bounding":["CAP_KILL"],"effective":[],"inheritable":[],"permitted":[],"ambient":[]},)"
        R"("rlimits":[{"type":"RLIMIT_NOFILE","soft":1,"hard":18446744073709551615}],"noNewPrivileges":true,"oomScoreAdj":-5},)"
        R"("root":{"path":"r","readonly":true},"hostname":"h","mounts":[{"destination":"/d","type":"tmpfs","source":"s","options":["ro"]}],)"
        R"("hooks":{"poststop":[{"path":"/p","args":["p"],"timeout":3}]},"annotations":{"k":"v"},)"
        R"("linux":{"namespaces":[{"type":"pid","path":"/x"}],"resources":{"memory":{"limit":-1},"pids":{"limit":5}},)"
        R"("seccomp":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["x"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"valueTwo":2,"op":"SCMP_CMP_EQ"}]}]}}})";
    const auto spec = parse_runtime_spec(text);
    ASSERT_TRUE(spec) << spec.error().message();
    EXPECT_EQ(spec->process->rlimits[0].hard, 18446744073709551615ULL);
    EXPECT_EQ(to_json(*spec), text);
}

TEST(RuntimeSpec, ReadsAndWritesWhatCameAfterVersionOne) {
    const std::string text =
        R"({"ociVersion":"1.3.0","process":{"user":{"uid":0,"gid":0},"args":["a"],"cwd":"/",)"
        R"("scheduler":{"policy":"SCHED_DEADLINE","flags":["SCHED_FLAG_RESET_ON_FORK"],"runtime":1,"deadline":2,"period":3},)"
        R"("ioPriority":{"class":"IOPRIO_CLASS_BE","priority":4},"execCPUAffinity":{"initial":"0-1","final":"1"}},)"
        R"("root":{"path":"r"},"linux":{"namespaces":[{"type":"time"}],)"
        R"("resources":{"memory":{"checkBeforeUpdate":true},"unified":{"cpu.max":"max"},"rdma":{"mlx5_0":{"hcaHandles":1,"hcaObjects":2}}},)"
        R"("timeOffsets":{"monotonic":{"secs":-5,"nanosecs":6}},"personality":{"domain":"LINUX32"},)"
        R"("memoryPolicy":{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES"]},)"
        R"("intelRdt":{"closID":"c","schemata":["L3:0=f"],"l3CacheSchema":"L3:0=f","memBwSchema":"MB:0=1","enableMonitoring":true},)"
        R"("netDevices":{"eth7":{"name":"in0"},"eth8":{}}}})";
    const auto spec = parse_runtime_spec(text);
    ASSERT_TRUE(spec) << spec.error().message();
    EXPECT_EQ(spec->linux_config.time_offsets[0].second.secs, -5);
    EXPECT_EQ(to_json(*spec), text);
}

TEST(RuntimeSpec, RefusesWhatCannotMeanAnything) {
    const auto message = [](std::string_view linux_members) {
        std::string text(small);
        text.replace(text.find("{}"), 2, linux_members);
        const auto spec = parse_runtime_spec(text);
        return spec ? std::string("accepted") : spec.error().message();
    };
    EXPECT_EQ(message(R"({"timeOffsets":{"monotonic":{}}})"),
              "linux.timeOffsets needs a new time namespace");
    EXPECT_EQ(message(R"({"namespaces":[{"type":"time"}],"timeOffsets":{"tai":{}}})"),
              "linux.timeOffsets: unknown clock tai");
    EXPECT_EQ(message(R"({"resources":{"unified":{"../x":"1"}}})"),
              "linux.resources.unified: ../x is not a file name");
}

TEST(RuntimeSpec, NamesTheMemberThatIsWrong) {
    const auto message = [](std::string text, std::string_view from, std::string_view to) {
        text.replace(text.find(from), from.size(), to);
        const auto spec = parse_runtime_spec(text);
        return spec ? std::string("accepted") : spec.error().message();
    };
    const std::string text(small);
    EXPECT_EQ(message(text, R"("uid":1)", R"("uid":-1)"), "process.user.uid is out of range");
    EXPECT_EQ(message(text, R"("uid":1)", R"("uid":4294967296)"),
              "process.user.uid is out of range");
    EXPECT_EQ(message(text, R"("uid":1)", R"("uid":"1")"),
              "process.user.uid is not a whole number");
    EXPECT_EQ(message(text, R"(["a"])", R"([1])"), "process.args[0] is not a string");
    EXPECT_EQ(message(text, R"(["a"])", R"([])"), "process.args must not be empty");
    EXPECT_EQ(message(text, R"("cwd":"/",)", ""), "process.cwd is missing");
    EXPECT_EQ(message(text, R"("cwd":"/")", R"("cwd":"x")"),
              "process.cwd must be an absolute path");
    EXPECT_EQ(message(text, "1.0.2", "2.0.0"), "ociVersion 2.0.0 is not supported");
    EXPECT_EQ(
        message(text, R"("linux":{})", R"("linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]})"),
        "namespace pid is listed twice");
}

TEST(RuntimeSpec, UnknownMembersAreIgnored) {
    std::string text(small);
    text.insert(1, R"("future":{"x":[1]},)");
    EXPECT_TRUE(parse_runtime_spec(text));
}

}  // namespace
}  // namespace berth::oci
