#include "shim/log_encode.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace berth::shim {
namespace {

using namespace std::string_literals;

RemoteLogSettings settings() {
    RemoteLogSettings log{.tag = "web",
                          .facility = 3,
                          .pid = 7,
                          .container_id = "0123456789abcdef",
                          .container_name = "web",
                          .image = "img",
                          .hostname = "host"};
    log.extra = {"label-a=b"};
    return log;
}
const LogMessage line{
    .stream = 2, .time = *parse_rfc3339("2026-11-03T10:00:00.123456789Z"), .text = "say \"hi\""};

TEST(LogEncode, WritesSyslogsFormats) {
    RemoteLogSettings log = settings();
    log.is_local = true;
    EXPECT_EQ(encode_syslog(log, line), "<27>Nov  3 10:00:00 web[7]: say \"hi\"");
    log.format = "rfc3164";
    EXPECT_EQ(encode_syslog(log, line), "<27>Nov  3 10:00:00 host web[7]: say \"hi\"");
    log.format = "rfc5424micro";
    EXPECT_EQ(encode_syslog(log, line),
              "<27>1 2026-11-03T10:00:00.123456Z host web 7 web - say \"hi\"");
}

TEST(LogEncode, WritesTheJournalsFields) {
    const std::string entry = encode_journald(settings(), line);
    EXPECT_TRUE(entry.starts_with(
        "MESSAGE=say "
        "\"hi\"\nPRIORITY=3\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=0123456789abcdef\n"))
        << entry;
    EXPECT_NE(entry.find("LABEL_A=b\n"), std::string::npos);
    const std::string two = encode_journald(settings(), {1, line.time, "a\nb"});
    EXPECT_TRUE(two.starts_with("MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n"s));
}

TEST(LogEncode, FieldsOfTheJournalHaveNamesThatItKeeps) {
    RemoteLogSettings log = settings();
    log.extra = {"_pid=1", "9lives=2", "com.example/role=3", "___=4", "empty="};
    const std::string entry = encode_journald(log, line);
    for (const char* field : {"\nPID=1\n", "\nLIVES=2\n", "\nCOM_EXAMPLE_ROLE=3\n", "\nEMPTY=\n"})
        EXPECT_NE(entry.find(field), std::string::npos) << field;
    EXPECT_EQ(entry.find("4\n"), std::string::npos);
    log.extra = {std::string(100, 'x') + "=5"};
    EXPECT_NE(encode_journald(log, line).find("\n" + std::string(64, 'X') + "=5\n"),
              std::string::npos);
}

TEST(LogEncode, PiecesOfALineSaySo) {
    const LogMessage piece{1, line.time, "begin", true};
    EXPECT_NE(encode_journald(settings(), piece).find("\nCONTAINER_PARTIAL_MESSAGE=true\n"),
              std::string::npos);
    EXPECT_EQ(encode_journald(settings(), line).find("PARTIAL"), std::string::npos);
    EXPECT_NE(encode_fluentd(settings(), piece).find("\xafpartial_message\xa4true"),
              std::string::npos);
}

TEST(LogEncode, WritesGelf) {
    EXPECT_EQ(
        encode_gelf(settings(), line),
        R"({"version":"1.1","host":"host","short_message":"say \"hi\"","timestamp":1793700000.123,"level":3,"_container_id":"0123456789abcdef",)"
        R"("_container_name":"web","_image_name":"img","_tag":"web","_label-a":"b"})");
}

TEST(LogEncode, WritesFluentsMessagePack) {
    const std::string entry = encode_fluentd(settings(), line);
    EXPECT_TRUE(entry.starts_with("\x93\xa3web\xce"s));
    EXPECT_NE(entry.find("\xde\0\5\xac"s + "container_id\xb0" + "0123456789abcdef"),
              std::string::npos);
    EXPECT_NE(entry.find("container_name\xa4/web"s), std::string::npos);
    RemoteLogSettings log = settings();
    log.format = "event-time";
    EXPECT_TRUE(encode_fluentd(log, line).starts_with(
        "\x93\xa3web\xd7\0\x6a\xe9\xb0\xa0\x07\x5b\xcd\x15"s));
    EXPECT_NE(entry.find("\xa6source\xa6stderr\xa3log\xa8say \"hi\""s), std::string::npos);
}

}  // namespace
}  // namespace berth::shim
