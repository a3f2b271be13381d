#include "container/own_defaults.h"

#include <gmock/gmock.h>

namespace berth::container {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HostConfig with_defaults(HostConfig host) {
    apply_own_defaults(host);
    return host;
}

TEST(OwnDefaults, AreForWhatIsLeftOpen) {
    const HostConfig host = with_defaults({});
    EXPECT_EQ(host.resources.pids_limit, 2048);
    EXPECT_EQ(host.cgroupns_mode, "private");
    EXPECT_THAT(host.cap_drop, ElementsAre("AUDIT_WRITE", "MKNOD", "NET_RAW"));
}

TEST(OwnDefaults, LeaveWhatWasAskedFor) {
    HostConfig asked;
    asked.resources.pids_limit = -1;
    asked.cgroupns_mode = "host";
    asked.cap_add = {"cap_net_raw"};
    asked.cap_drop = {"MKNOD"};
    const HostConfig host = with_defaults(asked);
    EXPECT_EQ(host.resources.pids_limit, -1);
    EXPECT_EQ(host.cgroupns_mode, "host");
    EXPECT_THAT(host.cap_drop, ElementsAre("MKNOD", "AUDIT_WRITE"));
    asked.cap_add = {"ALL"};
    asked.cap_drop = {};
    EXPECT_THAT(with_defaults(asked).cap_drop, IsEmpty());
    asked.cap_add = {};
    asked.cap_drop = {"all"};
    EXPECT_THAT(with_defaults(asked).cap_drop, ElementsAre("all"));
}

TEST(OwnDefaults, TakeNothingFromThePrivileged) {
    HostConfig asked;
    asked.privileged = true;
    const HostConfig host = with_defaults(asked);
    EXPECT_THAT(host.cap_drop, IsEmpty());
    EXPECT_EQ(host.cgroupns_mode, "");
}

}  // namespace
}  // namespace berth::container
