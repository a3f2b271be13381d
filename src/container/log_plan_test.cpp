#include "container/log_plan.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace berth::container {
namespace {

Result<std::string> resolve(const std::string& name) {
    if (name == "localhost") return std::string("127.0.0.1");
    if (name == "unknown.example") return fail(ErrorCode::Unavailable, "no address");
    return name;
}

Result<shim::LogSettings> plan(const LogConfig& wanted) {
    const LogConfig chosen =
        TRY(choose_log(wanted, "json-file", {{"max-size", "20m"}, {"max-file", "5"}}));
    return plan_log(chosen,
                    {.id = std::string(64, 'a'),
                     .name = "web",
                     .image = "shop/api",
                     .image_id = "sha256:1",
                     .hostname = "host",
                     .env = {"A=1", "B=2"},
                     .labels = {{"l", "v"}}},
                    "/log", resolve);
}

TEST(LogPlan, IsBoundedWhateverTheDriver) {
    EXPECT_EQ(plan({})->max_bytes, 20u << 20);
    EXPECT_EQ(plan({"local", {{"max-size", "1m"}}})->max_bytes, 1u << 20);
    EXPECT_EQ(plan({"syslog", {}})->max_files, 5u);
    EXPECT_EQ(plan({"json-file", {{"max-size", "-1"}}})->max_bytes, 0u);
    EXPECT_EQ(plan({"none", {}})->path, "");
}

TEST(LogPlan, KnowsAddressesTagsAndFields) {
    const auto syslog = plan({"syslog",
                              {{"syslog-address", "udp://10.0.0.1:1514"},
                               {"tag", "{{.Name}}/{{.ImageName}}"},
                               {"syslog-facility", "local3"},
                               {"labels", "l,x"},
                               {"env", "B"}}});
    ASSERT_TRUE(syslog) << syslog.error().message();
    EXPECT_EQ(syslog->remote.transport, shim::LogTransport::Udp);
    EXPECT_EQ(syslog->remote.address, "10.0.0.1");
    EXPECT_EQ(syslog->remote.port, 1514);
    EXPECT_EQ(syslog->remote.tag, "web/shop/api");
    EXPECT_EQ(syslog->remote.facility, 19);
    EXPECT_EQ(syslog->remote.extra, (std::vector<std::string>{"l=v", "B=2"}));
    EXPECT_EQ(plan({"syslog", {}})->remote.address, "/dev/log");
    EXPECT_EQ(plan({"fluentd", {{"fluentd-address", "localhost"}}})->remote.port, 24224);
    EXPECT_EQ(plan({"gelf", {{"gelf-address", "udp://[::1]:12201"}}})->remote.address, "::1");
    EXPECT_EQ(plan({"journald", {}})->remote.tag, std::string(12, 'a'));
}

TEST(LogPlan, NamesFieldsByListAndByPattern) {
    const StringMap labels{{"app", "1"}, {"team.blue", "2"}, {"team.red", "3"}, {"x", "4"}};
    const std::vector<std::string> env{"LANG=de", "LC_ALL=C", "LCX", "A=LC_"};
    const auto fields = [&](const StringMap& options) {
        return join(*log_fields({"json-file", options}, labels, env), " ");
    };
    EXPECT_EQ(fields({}), "");
    EXPECT_EQ(fields({{"labels", "x,app,none,"}}), "app=1 x=4");
    EXPECT_EQ(fields({{"labels-regex", "^team\\."}}), "team.blue=2 team.red=3");
    EXPECT_EQ(fields({{"labels", "app"}, {"labels-regex", "(red|app)$"}}), "app=1 team.red=3");
    EXPECT_EQ(fields({{"env-regex", "^(LANG|LC_.*)$"}}), "LANG=de LC_ALL=C");
    EXPECT_TRUE(log_fields({"json-file", {{"env-regex", "("}}}, labels, env).is_error());
}

TEST(LogPlan, RefusesWhatDoesNotExist) {
    const std::pair<LogConfig, const char*> cases[] = {
        {{"nope", {}}, "no log driver named 'nope' is registered"},
        {{"json-file", {{"x", "y"}}}, "unknown log opt 'x' for json-file log driver"},
        {{"json-file", {{"max-size", "x"}}}, "max-size"},
        {{"json-file", {{"max-file", "0"}}}, "max-file"},
        {{"json-file", {{"mode", "x"}}}, "logging mode not supported"},
        {{"gelf", {}}, "gelf-address is a required parameter"},
        {{"gelf", {{"gelf-address", "http://x"}}}, "udp, tcp, unix and unixgram are known"},
        {{"syslog", {{"syslog-address", "udp://x:99999"}}}, "the port is none"},
        {{"syslog", {{"syslog-address", "udp://unknown.example"}}}, "no address"},
        {{"syslog", {{"syslog-facility", "x"}}}, "facility"},
        {{"syslog", {{"syslog-format", "x"}}}, "Invalid syslog format"},
        {{"syslog", {{"tag", "{{"}}}, "tag"},
        {{"json-file", {{"labels-regex", "["}}}, "labels-regex"},
    };
    for (const auto& [log, words] : cases) {
        const auto planned = plan(log);
        ASSERT_TRUE(planned.is_error()) << words;
        EXPECT_NE(planned.error().message().find(words), std::string::npos)
            << planned.error().message();
    }
}

}  // namespace
}  // namespace berth::container
