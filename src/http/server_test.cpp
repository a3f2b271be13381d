#include "http/server.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "base/guarded.h"
#include "http/connection.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace berth::http {
namespace {

/// A server on a unix socket in a directory of its own.
class ServerTest : public testing::Test {
protected:
    void serve(Handler handler, ServerOptions options = {}) {
        auto directory = sys::TempDir::create();
        ASSERT_TRUE(directory);
        directory_.emplace(std::move(*directory));
        auto server = Server::create(std::move(handler), options);
        ASSERT_TRUE(server);
        server_ = std::move(*server);
        path_ = directory_->path() + "/s.sock";
        ASSERT_TRUE(server_->listen_unix(path_));
        ASSERT_TRUE(server_->start());
        endpoint_.unix_path = path_;
    }
    // Sends raw bytes and returns everything until the server closes.
    std::string raw(std::string_view request) {
        auto socket = sys::connect_unix(path_);
        EXPECT_TRUE(socket);
        EXPECT_TRUE(sys::write_all(*socket, request));
        auto answer = sys::read_all(*socket, 1 << 20);
        return answer ? *answer : std::string();
    }

    std::optional<sys::TempDir> directory_;
    std::unique_ptr<Server> server_;
    std::string path_;
    Endpoint endpoint_;
};

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
    std::atomic<int> count = 0;
    serve([&](Request& request, Response& response) {
        ++count;
        response
            .send(concat(request.method, " ", request.path, " ", request.query.get("a")),
                  "text/plain")
            .ignore("");
    });
    Connection connection(endpoint_);
    for (int i = 0; i < 3; ++i) {
        auto response = connection.send({.target = "/x%20y?a=b%2Bc"});
        ASSERT_TRUE(response);
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->read_all().value_or("?"), "GET /x y b+c");
    }
    EXPECT_EQ(count, 3);
}

TEST_F(ServerTest, StreamsChunksBothWaysAtOnce) {
    serve([](Request& request, Response& response) {
        std::vector<std::byte> part(8192);
        while (true) {
            const auto count = request.read(part);
            if (!count || *count == 0) break;
            if (!response.write(std::span(part).first(*count))) break;
        }
    });
    Connection connection(endpoint_);
    const std::size_t total =
        20 << 20;  // more than socket buffers hold: needs both directions at the same time
    std::size_t sent = 0, received = 0;
    ClientRequest request{.method = "POST", .target = "/echo"};
    request.body_source = [&](std::span<std::byte> out) -> Result<std::size_t> {
        const std::size_t count = std::min(out.size(), total - sent);
        for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::byte>((sent + i) % 251);
        sent += count;
        return count;
    };
    auto response = connection.send(std::move(request));
    ASSERT_TRUE(response);
    std::vector<std::byte> part(50'000);
    bool intact = true;
    while (true) {
        const auto count = response->read(part);
        ASSERT_TRUE(count) << count.error().message();
        if (*count == 0) break;
        for (std::size_t i = 0; i < *count; ++i)
            intact = intact && part[i] == static_cast<std::byte>((received + i) % 251);
        received += *count;
    }
    EXPECT_TRUE(intact);
    EXPECT_EQ(received, total);
}

TEST_F(ServerTest, SendsContinueOnlyWhenTheBodyIsRead) {
    serve([](Request& request, Response& response) {
        if (request.path == "/read") {
            response.send(request.read_all(100).value_or("?")).ignore("");
        } else {
            response.status = 413;
        }
    });
    const std::string read =
        raw("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: "
            "100-continue\r\nConnection: "
            "close\r\n\r\nhi");
    EXPECT_TRUE(read.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    EXPECT_TRUE(read.ends_with("hi"));
    const std::string refused =
        raw("POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 413 "));
    EXPECT_NE(refused.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, HijackKeepsEarlyInputAndUpgrades) {
    serve([](Request&, Response& response) {
        auto taken = response.hijack("application/vnd.docker.raw-stream");
        ASSERT_TRUE(taken);
        sys::write_all(taken->fd, "got " + taken->early_input).ignore("");
    });
    const std::string answer =
        raw("POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 UPGRADED\r\n"));
    EXPECT_NE(answer.find("Upgrade: tcp\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\ngot early"));
    EXPECT_TRUE(raw("POST /attach HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, StopTokenFiresWhenTheClientLeaves) {
    std::latch gone(1);
    serve([&](Request& request, Response& response) {
        Guarded<int> never;
        never.lock().wait(request.stop_token(), [](int) { return false; });
        gone.count_down();
        response.send({}).ignore("nobody reads it");
    });
    {
        auto socket = sys::connect_unix(path_);
        ASSERT_TRUE(socket);
        ASSERT_TRUE(sys::write_all(*socket, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
        while (server_->active_requests() == 0) std::this_thread::yield();
    }
    gone.wait();
}

TEST_F(ServerTest, StopEndsWaitingRequestsAndIdleConnections) {
    std::atomic<bool> stopped = false;
    std::latch waits(1);  // active_requests() may still count the first request here
    serve([&](Request& request, Response&) {
        if (request.path != "/wait") return;
        waits.count_down();
        Guarded<int> never;
        never.lock().wait(request.stop_token(), [](int) { return false; });
        stopped = true;
    });
    Connection connection(endpoint_);
    ASSERT_TRUE(connection.send({.target = "/"})->read_all());  // leaves an idle one
    std::jthread client([&] { connection.send({.target = "/wait"}).ignore("it will be cut"); });
    waits.wait();
    server_->stop(std::chrono::milliseconds(20));
    EXPECT_TRUE(stopped);
}

TEST_F(ServerTest, RefusesWhatIsNotHttpAndHugeHeaders) {
    serve([](Request&, Response&) {}, {.max_header_bytes = 4096});
    EXPECT_TRUE(raw("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    EXPECT_TRUE(raw("GET / HTTP/1.1\r\nA: " + std::string(10'000, 'a') + "\r\n\r\n")
                    .starts_with("HTTP/1.1 400"));
}

TEST_F(ServerTest, AbortedStreamLooksCutToTheClient) {
    serve([](Request&, Response& response) {
        response.write(std::string_view("half")).ignore("");
        response.abort();
    });
    Connection connection(endpoint_);
    auto response = connection.send({.target = "/"});
    ASSERT_TRUE(response);
    EXPECT_FALSE(response->read_all());
}

TEST_F(ServerTest, TellsOurClientWhyAStreamWasAborted) {
    serve([](Request&, Response& response) {
        response.write(std::string_view("half")).ignore("");
        response.abort("blob \"x\": 100% bad\nhint: pull again");
    });
    Connection connection(endpoint_);
    auto response = connection.send({.target = "/"});
    ASSERT_TRUE(response);
    const auto body = response->read_all();
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().message(), "blob \"x\": 100% bad\nhint: pull again");
    // Whoever does not know the extension sees what it always saw: a chunk that does not come.
    const std::string bytes = raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(bytes.find("\r\n4\r\nhalf\r\n1;berth-abort="), std::string::npos);
    EXPECT_FALSE(bytes.ends_with("0\r\n\r\n"));
}

TEST_F(ServerTest, HeadHasNoBodyAndFilesHaveTheirLength) {
    sys::Fd file = sys::memfd("f").value();
    ASSERT_TRUE(sys::write_all(file, "0123456789"));
    serve([&](Request&, Response& response) { response.send_file(file, 2, 5).ignore(""); });
    Connection connection(endpoint_);
    auto head = connection.send({.method = "HEAD", .target = "/"});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->headers.get("content-length"), "5");
    EXPECT_EQ(head->read_all().value_or("?"), "");
    EXPECT_EQ(connection.send({.target = "/"})->read_all().value_or("?"), "23456");
}

TEST_F(ServerTest, AClientCanCancelItsWait) {
    serve([](Request& request, Response&) {
        Guarded<int> never;
        never.lock().wait(request.stop_token(), [](int) { return false; });
    });
    Connection connection(endpoint_);
    std::stop_source stop;
    std::jthread cancel([&] {
        while (server_->active_requests() == 0) std::this_thread::yield();
        stop.request_stop();
    });
    const auto response = connection.send({.target = "/"}, stop.get_token());
    ASSERT_FALSE(response);
    EXPECT_TRUE(response.error().is(ErrorCode::Cancelled));
}

}  // namespace
}  // namespace berth::http
