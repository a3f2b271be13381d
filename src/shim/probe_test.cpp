#include <gtest/gtest.h>

#include "base/text.h"
#include "shim/grpc_health.h"
#include "shim/native_probe.h"
#include "shim/oom_victim.h"

namespace berth::shim {
namespace {

using namespace std::string_literals;

TEST(HttpStatus, IsReadFromTheFirstLine) {
    EXPECT_EQ(parse_http_status("HTTP/1.1 200 OK\r\n"), 200);
    EXPECT_EQ(parse_http_status("HTTP/1.0 503 Busy\r\nA: b\r\n"), 503);
    for (const char* other :
         {"", "HTTP/1.1", "HTTP/1.1 20", "SSH-2.0-x 200", "HTTP/1.1 abc x", "HTTP/1.1 999 x"}) {
        EXPECT_FALSE(parse_http_status(other)) << other;
    }
}

TEST(GrpcHealth, AsksForTheService) {
    const std::string request = make_grpc_health_request("api");
    EXPECT_TRUE(request.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    EXPECT_NE(request.find("/grpc.health.v1.Health/Check"), std::string::npos);
    EXPECT_TRUE(request.ends_with("\0\0\0\0\x05\x0a\x03"s + "api"));
}

// Settings, headers, then a message that says 1.
const std::string serving =
    "\0\0\0\4\0\0\0\0\0"s + "\0\0\1\1\4\0\0\0\1\x88"s + "\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\1"s;

TEST(GrpcHealth, UnderstandsAnAnswerHoweverItIsCut) {
    for (std::size_t step = 1; step <= serving.size(); ++step) {
        GrpcHealthAnswer answer;
        std::string replies;
        for (std::size_t at = 0; at < serving.size(); at += step)
            replies += answer.feed(std::string_view(serving).substr(at, step));
        EXPECT_EQ(answer.status(), 1) << step;
        EXPECT_EQ(replies, "\0\0\0\4\1\0\0\0\0"s);
    }
}

TEST(GrpcHealth, KnowsARefusal) {
    GrpcHealthAnswer answer;
    answer.feed(
        "\0\0\1\1\5\0\0\0\1\x88"s);  // headers that end the stream: the method is not implemented
    EXPECT_TRUE(answer.has_ended());
    EXPECT_FALSE(answer.status());
    GrpcHealthAnswer garbage;
    garbage.feed("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_TRUE(garbage.has_ended());
}

TEST(OomVictim, IsFoundByItsCgroup) {
    const std::string log =
        "3,10,5,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=a,mems_allowed=0,oom_"
        "memcg=/berth/aa,task_memcg=/berth/aa,task=sh,pid=11,uid=0\n"
        "3,11,6,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/berth/aa,task_memcg=/berth/aa/"
        "child,task=node,pid=4711,uid=0\n"
        "3,12,7,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/berth/aab,task_memcg=/berth/"
        "aab,task=other,pid=1,uid=0\n";
    const auto victim = find_oom_victim(log, "/berth/aa");
    ASSERT_TRUE(victim);
    EXPECT_EQ(victim->pid, 4711);
    EXPECT_EQ(victim->name, "node");
    EXPECT_FALSE(find_oom_victim(log, "/berth/b"));
    EXPECT_FALSE(find_oom_victim("", "/berth/aa"));
}

}  // namespace
}  // namespace berth::shim
