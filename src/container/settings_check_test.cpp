#include "container/settings_check.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "container/native_probe.h"
#include "container/owner_map.h"

namespace berth::container {
namespace {

TEST(CheckSpec, AcceptsWhatDockerAccepts) {
    ContainerSpec spec;
    EXPECT_TRUE(check_spec(spec, 2));
    spec.host.pid_mode = "container:web";
    spec.host.ipc_mode = "shareable";
    spec.host.cgroupns_mode = "private";
    spec.host.resources.cpuset_cpus = "0-1,1";
    spec.host.resources.nano_cpus = 2'000'000'000;
    spec.stop_signal = "SIGRTMIN+3";
    EXPECT_TRUE(check_spec(spec, 2));
}

TEST(CheckSpec, RefusesModesAndLimitsThatDoNotExist) {
    const std::pair<void (*)(ContainerSpec&), const char*> cases[] = {
        {[](ContainerSpec& s) { s.host.pid_mode = "private"; }, "invalid PID mode: private"},
        {[](ContainerSpec& s) { s.host.pid_mode = "container:"; }, "invalid PID mode"},
        {[](ContainerSpec& s) { s.host.ipc_mode = "x"; }, "invalid IPC mode: x"},
        {[](ContainerSpec& s) { s.host.uts_mode = "x"; }, "invalid UTS mode"},
        {[](ContainerSpec& s) { s.host.cgroupns_mode = "x"; }, "invalid cgroup namespace mode"},
        {[](ContainerSpec& s) { s.host.oom_score_adj = 1001; }, "range for oom score adj"},
        {[](ContainerSpec& s) { s.host.resources.memory = 1000; },
         "Minimum memory limit allowed is 6MB"},
        {[](ContainerSpec& s) { s.host.resources.nano_cpus = 3'000'000'000; },
         "only 2 CPUs available"},
        {[](ContainerSpec& s) { s.host.resources.cpu_period = 10; }, "cfs period"},
        {[](ContainerSpec& s) { s.host.resources.cpu_quota = 10; }, "cfs quota"},
        {[](ContainerSpec& s) { s.host.resources.cpuset_cpus = "0-7"; },
         "requested 0-7, available: 0-1"},
        {[](ContainerSpec& s) { s.host.resources.cpuset_cpus = "a"; },
         "Invalid value a for cpuset cpus"},
        {[](ContainerSpec& s) { s.host.resources.blkio_weight = 5; }, "blkio weight"},
        {[](ContainerSpec& s) { s.host.resources.memory_swappiness = 101; }, "swappiness"},
        {[](ContainerSpec& s) { s.host.storage_options["size"] = "much"; },
         "--storage-opt size=much"},
        {[](ContainerSpec& s) { s.host.storage_options["speed"] = "1"; }, "unknown storage option"},
        {[](ContainerSpec& s) { s.stop_signal = "NOPE"; }, "invalid signal: NOPE"},
        {[](ContainerSpec& s) { s.host.restart.mode = RestartMode::Unhealthy; },
         "needs a health check"},
        {[](ContainerSpec& s) {
             s.healthcheck = Healthcheck{.test = {"TCP", "x"}};
         },
         "expected PORT"},
    };
    for (const auto& [change, words] : cases) {
        ContainerSpec spec;
        change(spec);
        const auto checked = check_spec(spec, 2);
        ASSERT_TRUE(checked.is_error()) << words;
        EXPECT_NE(checked.error().message().find(words), std::string::npos)
            << checked.error().message();
    }
}

TEST(CheckSpec, RefusesMoreThanALineForAFileOfTheContainer) {
    const auto with = [](auto change) {
        ContainerSpec spec;
        change(spec);
        return check_spec(spec, 2);
    };
    EXPECT_FALSE(with([](ContainerSpec& spec) { spec.hostname = "web-1.example"; }).is_error());
    EXPECT_TRUE(with([](ContainerSpec& spec) { spec.hostname = "a\nb"; }).is_error());
    EXPECT_TRUE(with([](ContainerSpec& spec) { spec.domainname = "a\rb"; }).is_error());
    EXPECT_TRUE(with([](ContainerSpec& spec) { spec.host.extra_hosts = {"a:1\nb"}; }).is_error());
    EXPECT_TRUE(with([](ContainerSpec& spec) { spec.host.dns = {"1.2.3.4\n"}; }).is_error());
    EXPECT_TRUE(with([](ContainerSpec& spec) { spec.host.dns_search = {"\x7f"}; }).is_error());
    EXPECT_TRUE(with([](ContainerSpec& spec) { spec.host.dns_options = {"a\tb"}; }).is_error());
}

TEST(NativeProbe, ReadsItsTarget) {
    const auto http = native_probe({.test = {"HTTP", "8080/healthz?x=1"}});
    ASSERT_TRUE(http && *http);
    EXPECT_EQ((*http)->port, 8080);
    EXPECT_EQ((*http)->path, "/healthz?x=1");
    EXPECT_EQ((*native_probe({.test = {"GRPC", "50051/my.Service"}}))->path, "my.Service");
    EXPECT_EQ((*native_probe({.test = {"TCP", "5432"}}))->port, 5432);
    EXPECT_FALSE(*native_probe({.test = {"CMD", "true"}}));
    for (const char* target : {"", "0", "65536", "80 /x", "/x", "80/a b"})
        EXPECT_TRUE(native_probe({.test = {"HTTP", target}}).is_error()) << target;
    EXPECT_TRUE(native_probe({.test = {"TCP", "80/x"}}).is_error());
}

TEST(OwnerMap, MakesTheContainersUserTheCallerAndTheRestSubordinate) {
    const auto text = [](const std::vector<oci::RuntimeIdMapping>& map) {
        std::string out;
        for (const auto& m : map) out += concat(m.container_id, ">", m.host_id, "*", m.size, " ");
        return out;
    };
    // On disk > in the container.
    EXPECT_EQ(text(owner_map(1000, 0, {100000, 65536})), "1000>0*1 100001>1*65535 ");
    EXPECT_EQ(text(owner_map(1000, 33, {100000, 65536})), "1000>33*1 100000>0*33 100034>34*65502 ");
    EXPECT_EQ(text(owner_map(1000, 70000, {100000, 65536})), "1000>70000*1 100000>0*65536 ");
}

TEST(OwnerMap, FindsTheSubordinateRange) {
    const char* file = "bob:300000:65536\nann:100000:65536\n1002:500000:70000\n";
    EXPECT_EQ(find_subordinate_range(file, "ann", 1000).first, 100000u);
    EXPECT_EQ(find_subordinate_range(file, "", 1002).first, 500000u);
    EXPECT_EQ(find_subordinate_range(file, "eve", 1003).first, unclaimed_ids);
    EXPECT_EQ(find_subordinate_range("ann:x:y\nann:0:10\n", "ann", 1000).first, unclaimed_ids);
}

}  // namespace
}  // namespace berth::container
