#include "daemon/router.h"

#include <gtest/gtest.h>

namespace berth::daemon {
namespace {

Result<> list(Call&) { return {}; }
Result<> inspect(Call&) { return {}; }
Result<> history(Call&) { return {}; }
Result<> newer(Call&) { return {}; }

const Route routes[] = {
    {"GET", "/images/json", list},
    {"GET", "/images/{name...}/json", inspect},
    {"GET", "/images/{name...}/history", history},
    {"DELETE", "/images/{name...}", history},
    {"GET", "/containers/{id}/json", inspect},
    {"GET", "/news", newer, {1, 44}},
};

TEST(Router, TakesImageNamesWithSlashes) {
    const auto match =
        find_route(routes, "GET", "/images/example.org:5000/team/app:1/json", {1, 44});
    ASSERT_TRUE(match);
    EXPECT_EQ(match->handler, &inspect);
    EXPECT_EQ(match->parameters.at(0).second, "example.org:5000/team/app:1");
    EXPECT_EQ(find_route(routes, "DELETE", "/images/json", {1, 44})->parameters.at(0).second,
              "json");
}

TEST(Router, PrefersTheLiteralRoute) {
    EXPECT_EQ(find_route(routes, "GET", "/images/json", {1, 44})->handler, &list);
    EXPECT_EQ(find_route(routes, "GET", "//images/json/", {1, 44})->handler, &list);
}

TEST(Router, KnowsNoOtherPathOrMethodOrVersion) {
    for (const char* path : {"/", "", "/images", "/images/a", "/containers/json",
                             "/containers/a/b/json", "/containers//json"})
        EXPECT_FALSE(find_route(routes, "GET", path, {1, 44})) << path;
    EXPECT_FALSE(find_route(routes, "PUT", "/images/json", {1, 44}));
    EXPECT_FALSE(find_route(routes, "GET", "/news", {1, 43}));
    EXPECT_TRUE(find_route(routes, "GET", "/news", {1, 44}));
}

TEST(SplitVersion, TakesThePrefixOff) {
    const auto path = split_version("/v1.40/containers/json");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->version, (api::ApiVersion{1, 40}));
    EXPECT_EQ(path->path, "/containers/json");
    EXPECT_EQ(split_version("/volumes")->version, api::newest_api_version);
    EXPECT_EQ(split_version("/volumes")->path, "/volumes");
}

TEST(SplitVersion, RefusesWithTheTextThatClientsLookFor) {
    EXPECT_EQ(split_version("/v1.23/info").error().message(),
              "client version 1.23 is too old. Minimum supported API version is 1.24, please "
              "upgrade your "
              "client to a "
              "newer version");
    EXPECT_EQ(split_version("/v9.9/info").error().message(),
              "client version 9.9 is too new. Maximum supported API version is " +
                  api::newest_api_version.to_string());
    EXPECT_EQ(split_version("/v1.23/info").error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace berth::daemon
