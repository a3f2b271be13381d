#include "sys/namespace.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

constexpr std::uint32_t first_id = 0x8000'0000u;

IdMaps example_maps() {
    const std::vector<IdMapping> map{{.inside = 0, .outside = first_id, .size = 65'536}};
    return {.uids = map, .gids = map};
}

// Whether all descendants, of which this process is the reaper, have ended and been taken off the
// process table within ten seconds.
bool reaps_all() {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < limit) {
        const pid_t ended = ::waitpid(-1, nullptr, WNOHANG | __WALL);
        if (ended < 0 && errno == ECHILD) return true;
        if (ended == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
}

TEST(UserNamespace, HasItsIds) {
    if (::geteuid() != 0) GTEST_SKIP() << "maps of other ids are for root";
    const auto made = make_user_namespace(example_maps());
    ASSERT_TRUE(made) << made.error().message();
    const pid_t child = ::fork();
    if (child == 0) {
        if (enter_namespace(*made).is_error()) ::_exit(1);
        const auto map = read_file("/proc/self/uid_map");
        ::_exit(map && map->find("2147483648") != std::string::npos ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

// The helper that holds the namespaces shares its maker's descriptors: left behind, it would keep
// sockets open on which nobody answers any more.
TEST(UserNamespace, ItsMakerMayBeKilledAtAnyMoment) {
    if (::geteuid() != 0) GTEST_SKIP() << "maps of other ids are for root";
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    for (int round = 0; round < 300; ++round) {
        const pid_t maker = ::fork();
        ASSERT_GE(maker, 0);
        if (maker == 0) {
            for (;;) make_user_namespace(example_maps()).ignore("it goes on until it is killed");
        }
        std::this_thread::sleep_for(std::chrono::microseconds(400 + 7 * round));
        ASSERT_EQ(::kill(maker, SIGKILL), 0);
        ASSERT_TRUE(reaps_all()) << "in round " << round;
    }
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

// Nobody waits for a helper that somebody else has killed.
TEST(UserNamespace, ItsHelperMayBeKilledAtAnyMoment) {
    if (::geteuid() != 0) GTEST_SKIP() << "maps of other ids are for root";
    std::atomic<bool> goes_on = true;
    std::atomic<int> killed = 0;
    std::jthread killer([&] {
        while (goes_on) {
            // Children of all threads: the helper is nobody's whom waitpid finds by itself.
            for (const DirEntry& thread : list_dir("/proc/self/task").value_or({})) {
                auto children = read_file(concat("/proc/self/task/", thread.name, "/children"));
                for (const std::string& pid : split(std::move(children).value_or(""), ' '))
                    if (const auto number = parse_int(pid))
                        killed += ::kill(static_cast<pid_t>(*number), SIGKILL) == 0;
            }
        }
    });
    int made = 0, refused = 0;
    for (int round = 0; round < 400; ++round)
        (make_user_namespace(example_maps()) ? made : refused) += 1;
    goes_on = false;
    EXPECT_EQ(made + refused, 400);
    EXPECT_GT(killed, 0);
}

}  // namespace
}  // namespace berth::sys
