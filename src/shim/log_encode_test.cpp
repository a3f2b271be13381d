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
    EXPECT_NE(entry.find("\xa6source\xa6stderr\xa3log\xa8say \"hi\""s), std::string::npos);
}

}  // namespace
}  // namespace berth::shim
