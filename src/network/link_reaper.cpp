#include "network/link_reaper.h"

#include <chrono>

#include "base/log.h"

namespace berth::network {

namespace {
constexpr std::chrono::milliseconds patience{300};
}

LinkReaper::LinkReaper(Links& links)
    : links_(links), thread_([this](std::stop_token stop) { run(stop); }) {}

void LinkReaper::expect_end_of(std::string host_link) {
    expected_.lock()->push_back(std::move(host_link));
    expected_.notify_all();
}

void LinkReaper::run(std::stop_token stop) {
    auto never = [](const auto&) { return false; };
    auto some = [](const auto& names) { return !names.empty(); };
    while (expected_.lock().wait(stop, some)) {
        std::vector<std::string> due;
        {
            auto expected = expected_.lock();
            due.swap(*expected);
            expected.wait_for(stop, patience, never);
        }
        for (const auto& name : due) {
            auto is_there = links_.has_link(name);
            if (is_there.is_error() || !*is_there) continue;
            auto gone = links_.disconnect(name);
            if (gone.is_error()) {
                log.warn("link of an ended container stays, continuing",
                         {{"link", name}, {"error", gone.error().message()}});
            }
        }
    }
}

}  // namespace berth::network
