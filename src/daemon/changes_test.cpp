#include "daemon/changes.h"

#include <gtest/gtest.h>

#include <vector>

#include "codec/json.h"

namespace berth::daemon {
namespace {

TEST(ConfigOfChanges, TakesWhatChangesTheConfiguration) {
    const std::vector<std::string> changes{R"(CMD ["sh", "-c"])", "ENV A=b", "EXPOSE 80",
                                           "WORKDIR /srv", "USER nobody"};
    const auto config = config_of_changes(changes);
    ASSERT_TRUE(config) << config.error().message();
    const auto json = codec::parse_json(*config).value();
    EXPECT_EQ(codec::get_strings(json, "Cmd"), (std::vector<std::string>{"sh", "-c"}));
    EXPECT_EQ(codec::get_string(json, "WorkingDir"), "/srv");
    EXPECT_EQ(codec::get_string(json, "User"), "nobody");
    EXPECT_TRUE(json["ExposedPorts"].contains("80/tcp"));
}

TEST(ConfigOfChanges, RefusesTheRest) {
    for (const char* change : {"RUN true", "COPY a b", "FROM x", "NONSENSE", "CMD"})
        EXPECT_TRUE(config_of_changes(std::vector<std::string>{change}).is_error()) << change;
}

TEST(ChangesOf, SplitsLines) {
    const auto query = http::Query::parse("changes=CMD+a%0AENV+b%3Dc%0A&changes=USER+d");
    EXPECT_EQ(changes_of(query), (std::vector<std::string>{"CMD a", "ENV b=c", "USER d"}));
}

}  // namespace
}  // namespace berth::daemon
