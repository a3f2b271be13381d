#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/output/format.h"
#include "cli/output/progress.h"
#include "cli/output/rows.h"
#include "cli/output/table.h"
#include "cli/units.h"

namespace berth::cli {
namespace {

using testing::HasSubstr;

TEST(Units, PrintAsDockerDoes) {
    EXPECT_EQ(human_size(0), "0B");
    EXPECT_EQ(human_size(999), "999B");
    EXPECT_EQ(human_size(1000), "1kB");
    EXPECT_EQ(human_size(72'800'000), "72.8MB");
    EXPECT_EQ(human_size(1'234'000'000), "1.23GB");
    EXPECT_EQ(human_size(1'234'000'000, 4), "1.234GB");
    EXPECT_EQ(binary_size(1536), "1.5KiB");
    EXPECT_EQ(binary_size(25'277'000'000.0), "23.54GiB");
    using std::chrono::seconds;
    const std::vector<std::pair<long, std::string>> durations = {
        {0, "Less than a second"},  {1, "1 second"},          {59, "59 seconds"},
        {60, "About a minute"},     {150, "2 minutes"},       {3600, "About an hour"},
        {7200, "2 hours"},          {86400 * 3, "3 days"},    {86400 * 21, "3 weeks"},
        {86400L * 100, "3 months"}, {86400L * 900, "2 years"}};
    for (const auto& [count, text] : durations) EXPECT_EQ(human_duration(seconds(count)), text);
}

TEST(Units, ReadSizes) {
    EXPECT_EQ(parse_bytes("100"), 100);
    EXPECT_EQ(parse_bytes("64k"), 65536);
    EXPECT_EQ(parse_bytes("1.5GiB"), 1610612736);
    EXPECT_EQ(parse_bytes("2mb"), 2097152);
    for (const char* text : {"", "m", "-1", "1x", "1.2.3", "99999999t", "1 0", ".5"})
        EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Tables, AlignByCharacters) {
    EXPECT_EQ(align_columns("A\tB\nlonger name\té\tx\n"),
              "A             B\nlonger name   é         x\n");
    EXPECT_EQ(align_columns("only\n"), "only\n");
    EXPECT_EQ(align_columns("\x1b[31mred\tx\x7f\n"), "\uFFFD[31mred   x\uFFFD\n");
    EXPECT_EQ(align_columns(""), "");
}

const ListView view{.table = "table {{.ID}}\t{{.Name}}",
                    .headings = {{"ID", "THE ID"}, {"Name", "NAME"}}};

std::vector<Row> rows() {
    Row row;
    row.fields = {{"ID", "1"}, {"Name", "web"}};
    row.labels = {{"tier", "front"}};
    return {row};
}

TEST(Lists, ShowTablesTemplatesAndJson) {
    EXPECT_EQ(*render_list(view, "", rows()), "THE ID    NAME\n1         web\n");
    EXPECT_EQ(*render_list(view, "table {{.Name}}\\t{{.Label \"tier\"}}", rows()),
              "NAME      tier\nweb       front\n");
    EXPECT_EQ(*render_list(view, "{{.Name | upper}}", rows()), "WEB\n");
    EXPECT_EQ(*render_list(view, "json", rows()), "{\"ID\":\"1\",\"Name\":\"web\"}\n");
    EXPECT_EQ(*render_list(view, "{{.Name}}", {}), "");
    EXPECT_EQ(*render_list(view, "", {}), "THE ID    NAME\n");
    auto wrong = render_list(view, "{{.Nmae}}", rows());
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().hint(), "fields: .ID .Name");
}

TEST(Ports, AreJoinedToRanges) {
    const auto ports = codec::parse_json(R"([
        {"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
        {"IP":"0.0.0.0","PrivatePort":81,"PublicPort":8081,"Type":"tcp"},
        {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
        {"PrivatePort":9000,"Type":"tcp"},{"PrivatePort":9001,"Type":"tcp"},{"PrivatePort":53,"Type":"udp"}])");
    EXPECT_EQ(ports_text(*ports),
              "0.0.0.0:8080-8081->80-81/tcp, [::]:8080->80/tcp, 9000-9001/tcp, 53/udp");
}

TEST(Rows, ShortenIdsAndCommands) {
    const auto container = codec::parse_json(
        R"({"Id":"0123456789abcdef0123","Names":["/web","/other/alias"],"Image":"nginx",
        "Command":"a command that is longer than twenty","Created":0,"State":"running","Status":"Up","Ports":[],"Labels":{"b":"2","a":"1"}})");
    const auto row = container_row(*container, false);
    EXPECT_EQ(row.fields["ID"], "0123456789ab");
    EXPECT_EQ(row.fields["Names"], "web");
    EXPECT_EQ(row.fields["Command"], "\"a command that is l…\"");
    EXPECT_EQ(row.fields["Labels"], "a=1,b=2");
    EXPECT_EQ(container_row(*container, true).fields["Command"],
              "\"a command that is longer than twenty\"");
}

TEST(Progress, DrawsBars) {
    EXPECT_EQ(progress_bar(0, 0, 100), "");
    EXPECT_EQ(progress_bar(5, 10, 40), "5B/10B");
    EXPECT_EQ(progress_bar(5, 10, 100),
              "[" + std::string(25, '=') + ">" + std::string(24, ' ') + "]  5B/10B");
    EXPECT_EQ(progress_bar(10, 10, 100), "[" + std::string(50, '=') + "]  10B/10B");
}

}  // namespace
}  // namespace berth::cli
