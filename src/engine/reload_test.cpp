#include "engine/reload.h"

#include <gtest/gtest.h>

namespace berth::engine {
namespace {

using codec::Json;

TEST(PlanReload, TakesWhatCanChangeAndNamesWhatCannot) {
    const Json now{
        {"labels", {"a=b"}}, {"data-root", "/one"}, {"debug", true}, {"hosts", {"unix:///s"}}};
    const Json wanted{{"labels", {"c=d"}},
                      {"data-root", "/two"},
                      {"registry-mirrors", {"http://m"}},
                      {"hosts", {"unix:///s"}},
                      {"layer-blobs", "drop"}};
    const Reload plan = plan_reload(now, wanted);
    EXPECT_EQ(plan.changed,
              (std::vector<std::string>{"debug", "labels", "layer-blobs", "registry-mirrors"}));
    EXPECT_EQ(plan.need_restart, (std::vector<std::string>{"data-root"}));
    EXPECT_EQ(plan.settings, (Json{{"labels", {"c=d"}},
                                   {"data-root", "/one"},
                                   {"hosts", {"unix:///s"}},
                                   {"layer-blobs", "drop"},
                                   {"registry-mirrors", {"http://m"}}}));
}

TEST(PlanReload, NamesNothingThatHasNoEffectAnyway) {
    EXPECT_TRUE(plan_reload(Json::object(), Json{{"live-restore", true}}).need_restart.empty());
    EXPECT_TRUE(plan_reload(Json{{"debug", true}}, Json{{"debug", true}}).changed.empty());
}

TEST(LiveConfiguration, KeepsAStateForWhoeverHoldsIt) {
    LiveConfiguration live(Configuration{.labels = {"old"}});
    const auto held = live.get();
    live.replace(Configuration{.labels = {"new"}});
    EXPECT_EQ(held->labels, std::vector<std::string>{"old"});
    EXPECT_EQ(live.get()->labels, std::vector<std::string>{"new"});
}

}  // namespace
}  // namespace berth::engine
