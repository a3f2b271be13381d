#include "remote/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/guarded.h"
#include "http/server.h"
#include "remote/challenge.h"
#include "remote/host_internal.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::remote {
namespace {

/// A registry played by a handler, on loopback.
class RemoteTest : public testing::Test {
protected:
    void serve(http::Handler handler) {
        server_ = std::move(*http::Server::create(std::move(handler)));
        const auto port = server_->listen_tcp("127.0.0.1:0");
        ASSERT_TRUE(port);
        host_ = concat("127.0.0.1:", *port);
        ASSERT_TRUE(server_->start());
        registries_ = std::move(*Registries::create({.certs_dir = ""}));
    }
    std::unique_ptr<Repository> open(Access access, Credentials credentials = {}) {
        return std::move(*registries_->open(oci::Reference::of(host_, "a/b", ""), access,
                                            [=](const std::string&) { return credentials; }));
    }
    static oci::Descriptor describe(const std::string& content) {
        return {.media_type = "x/y",
                .digest = oci::Digest::of(content),
                .size = static_cast<std::int64_t>(content.size())};
    }

    std::unique_ptr<http::Server> server_;
    std::string host_;
    std::unique_ptr<Registries> registries_;
};

TEST_F(RemoteTest, ResumesABlobThatIsCutAgainAndAgain) {
    std::string content(3'000'000, 'x');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 % 253);
    std::atomic<int> requests = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        ++requests;
        std::size_t from = 0;
        if (const auto range = request.headers.get("Range"); !range.empty()) {
            from = *parse_uint(range.substr(6, range.size() - 7));
            response.status = 206;
            response.headers.set("Content-Range", concat("bytes ", from, "-", content.size() - 1,
                                                         "/", content.size()));
        }
        response.headers.set("Content-Length", std::to_string(content.size() - from));
        response.write(std::string_view(content).substr(from, 700'000)).ignore("");
        if (content.size() - from > 700'000) response.abort();
    });
    std::string received;
    const auto outcome = open(Access::Pull)
                             ->fetch_blob(describe(content), 0,
                                          [&](std::span<const std::byte> bytes) -> Result<> {
                                              received += as_text(bytes);
                                              return {};
                                          },
                                          {});
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(received, content);
    EXPECT_GE(requests, 5);
}

TEST_F(RemoteTest, ARegistryWithoutRangesIsReadFromTheStartAgain) {
    const std::string content = "0123456789";
    serve([&](http::Request& request, http::Response& response) {
        if (request.path != "/v2/") response.send(content).ignore("");
    });
    std::string received;
    const auto outcome = open(Access::Pull)
                             ->fetch_blob(describe(content), 4,
                                          [&](std::span<const std::byte> bytes) -> Result<> {
                                              received += as_text(bytes);
                                              return {};
                                          },
                                          {});
    EXPECT_TRUE(outcome);
    EXPECT_EQ(received, "456789");
}

/// Bytes that differ everywhere, so that parts in a wrong order are seen.
std::string varied(std::size_t bytes) {
    std::string out(bytes, '\0');
    std::uint64_t state = 1;
    for (auto& c : out) {
        state = state * 6364136223846793005 + 1442695040888963407;
        c = static_cast<char>(state >> 56);
    }
    return out;
}

/// "bytes=FROM-TO", TO included; without a range all of it.
std::pair<std::size_t, std::size_t> range_of(const http::Request& request, std::size_t size) {
    const std::string_view range = request.headers.get("Range");
    if (range.empty()) return {0, size};
    const auto dash = range.find('-');
    const auto from = *parse_uint(range.substr(6, dash - 6));
    const auto to = range.substr(dash + 1);
    return {from, to.empty() ? size : *parse_uint(to) + 1};
}

void send_range(const http::Request& request, http::Response& response,
                const std::string& content) {
    const auto [from, end] = range_of(request, content.size());
    if (request.headers.has("Range")) {
        response.status = 206;
        response.headers.set("Content-Range",
                             concat("bytes ", from, "-", end - 1, "/", content.size()));
    }
    response.send(std::string_view(content).substr(from, end - from)).ignore("");
}

/// So many connections beside the first one.
SpareConnection spare(std::shared_ptr<std::atomic<int>> left) {
    return [left]() -> std::shared_ptr<void> {
        if (left->fetch_sub(1) <= 0) {
            ++*left;
            return nullptr;
        }
        return {left.get(), [left](void*) { ++*left; }};
    };
}

/// What came, and whether it could.
std::pair<Result<>, std::string> fetch_with_spare(Repository& repository,
                                                  const oci::Descriptor& blob, int connections) {
    std::string received;
    const auto left = std::make_shared<std::atomic<int>>(connections);
    auto outcome = repository.fetch_blob(
        blob, 0,
        [&](std::span<const std::byte> bytes) -> Result<> {
            received += as_text(bytes);
            return {};
        },
        {}, spare(left));
    EXPECT_EQ(*left, connections);  // all given back
    return {std::move(outcome), std::move(received)};
}

TEST_F(RemoteTest, PartsOfALargeBlobTravelBesideOneAnother) {
    const std::string content = varied(30'000'001);
    Guarded<std::pair<int, int>> travelling;  // now, at most
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        {
            auto now = travelling.lock();
            now->second = std::max(now->second, ++now->first);
            if (range_of(request, 0).first > 0)  // the first request is to tell whether parts come
                now.wait_for({}, std::chrono::seconds(2), [](auto& all) { return all.first >= 3; });
        }
        travelling.notify_all();
        send_range(request, response, content);
        --travelling.lock()->first;
    });
    const auto [outcome, received] = fetch_with_spare(*open(Access::Pull), describe(content), 2);
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_TRUE(received == content);
    EXPECT_EQ(travelling.lock()->second, 3);
}

TEST_F(RemoteTest, WithoutAConnectionToSpareALargeBlobComesInAFewRequests) {
    const std::string content = varied(30'000'001);
    std::atomic<int> requests = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        ++requests;
        send_range(request, response, content);
    });
    const auto [outcome, received] = fetch_with_spare(*open(Access::Pull), describe(content), 0);
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_TRUE(received == content);
    EXPECT_EQ(requests, 2);
}

TEST_F(RemoteTest, ARegistryThatSendsNoPartsSendsALargeBlobOnce) {
    const std::string content = varied(30'000'001);
    std::atomic<int> requests = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        ++requests;
        response.send(content).ignore("");
    });
    const auto [outcome, received] = fetch_with_spare(*open(Access::Pull), describe(content), 2);
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_TRUE(received == content);
    EXPECT_EQ(requests, 1);
}

TEST_F(RemoteTest, PartsThatDoNotComeAreAskedForOneAtATime) {
    const std::string content = varied(30'000'001);
    for (const bool is_cut : {false, true}) {
        std::atomic<int> travelling = 0, spoilt = 0;
        serve([&](http::Request& request, http::Response& response) {
            if (request.path == "/v2/") return;
            const auto [from, end] = range_of(request, content.size());
            const bool is_part = from > 0 && end - from <= (4 << 20);
            if (is_part && ++travelling > 1) {
                ++spoilt;
                if (is_cut) {  // in its middle
                    response.status = 206;
                    response.headers.set("Content-Range",
                                         concat("bytes ", from, "-", end - 1, "/", content.size()));
                    response.headers.set("Content-Length", std::to_string(end - from));
                    response.write(std::string_view(content).substr(from, 1'000'000)).ignore("");
                    response.abort();
                } else {
                    response.status = 503;
                }
            } else {
                send_range(request, response, content);
            }
        });
        const auto [outcome, received] =
            fetch_with_spare(*open(Access::Pull), describe(content), 2);
        EXPECT_TRUE(outcome) << outcome.error().message();
        EXPECT_TRUE(received == content) << received.size();
        EXPECT_GE(spoilt, 1);
    }
}

TEST_F(RemoteTest, AnErrorOfTheSinkEndsTheTransferAtOnce) {
    serve([](http::Request& request, http::Response& response) {
        if (request.path != "/v2/") response.send("0123456789").ignore("");
    });
    int calls = 0;
    const auto outcome = open(Access::Pull)
                             ->fetch_blob(describe("0123456789"), 0,
                                          [&](std::span<const std::byte>) -> Result<> {
                                              ++calls;
                                              return fail(ErrorCode::NoSpace, "disk full");
                                          },
                                          {});
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is(ErrorCode::NoSpace));
    EXPECT_EQ(calls, 1);
}

TEST_F(RemoteTest, FetchesATokenForItsScopeAndUsesItAgain) {
    std::atomic<int> tokens = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/token") {
            ++tokens;
            const bool is_alice = request.headers.get("Authorization") == "Basic YWxpY2U6c2VjcmV0";
            EXPECT_EQ(request.query.get("scope"), "repository:a/b:pull");
            EXPECT_EQ(request.query.get("service"), "s");
            response.status = is_alice ? 200 : 401;
            response.send(R"({"token":"T","expires_in":300})").ignore("");
        } else if (request.path != "/v2/" && request.headers.get("Authorization") != "Bearer T") {
            response.status = 401;
            response.headers.set("WWW-Authenticate",
                                 concat("Bearer realm=\"http://", host_, "/token\",service=\"s\""));
        } else {
            response.headers.set("Docker-Content-Digest", oci::Digest::of("x").to_string());
            response.headers.set("Content-Type", "x/y");
        }
    });
    const auto repository = open(Access::Pull, {.username = "alice", .password = "secret"});
    EXPECT_TRUE(repository->resolve("1", {}));
    EXPECT_TRUE(repository->resolve("2", {}));
    EXPECT_EQ(tokens, 1);
    const auto refused =
        open(Access::Pull, {.username = "alice", .password = "wrong"})->resolve("1", {});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(ErrorCode::Unauthenticated));
    EXPECT_EQ(refused.error().message(), "unauthorized: incorrect username or password");
}

TEST_F(RemoteTest, WaitsAsToldWhenThereAreTooManyRequests) {
    std::atomic<int> requests = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        if (++requests == 1) {
            response.status = 429;
            response.headers.set("Retry-After", "0");
        } else {
            response.send(R"({"name":"a/b","tags":["1"]})").ignore("");
        }
    });
    EXPECT_EQ(open(Access::Pull)->tags({}).value_or({}), std::vector<std::string>{"1"});
}

TEST_F(RemoteTest, WaitsForABusyRegistryInTheMiddleOfALayer) {
    std::atomic<int> requests = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        if (++requests < 3) {
            response.status = 429;
            response.headers.set("Retry-After", "0");
        } else {
            response.send("0123456789").ignore("");
        }
    });
    std::string received;
    const auto outcome = open(Access::Pull)
                             ->fetch_blob(describe("0123456789"), 0,
                                          [&](std::span<const std::byte> bytes) -> Result<> {
                                              received += as_text(bytes);
                                              return {};
                                          },
                                          {});
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(received, "0123456789");
    EXPECT_EQ(requests, 3);
}

TEST_F(RemoteTest, CredentialsFollowNoRedirectToAnotherHost) {
    std::string seen = "nothing came";
    const auto other =
        std::move(*http::Server::create([&](http::Request& request, http::Response& response) {
            seen = std::string(request.headers.get("Authorization"));
            response.send("0123456789").ignore("");
        }));
    const auto port = other->listen_tcp("127.0.0.1:0");
    ASSERT_TRUE(port);
    ASSERT_TRUE(other->start());
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        if (request.headers.get("Authorization").empty()) {
            response.status = 401;
            response.headers.set("WWW-Authenticate", "Basic realm=\"x\"");
        } else {
            response.status = 307;
            response.headers.set("Location", concat("http://127.0.0.1:", *port, "/blob"));
        }
    });
    const auto outcome =
        open(Access::Pull, {.username = "alice", .password = "secret"})
            ->fetch_blob(describe("0123456789"), 0,
                         [](std::span<const std::byte>) { return Result<>(); }, {});
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(seen, "");
}

TEST_F(RemoteTest, AsksTheMirrorsOfAHostsFileFirst) {
    std::vector<std::string> asked;
    std::mutex mutex;
    const auto mirror =
        std::move(*http::Server::create([&](http::Request& request, http::Response& response) {
            const std::lock_guard lock(mutex);
            asked.push_back(concat(request.path, "?ns=", request.query.get("ns"), " ",
                                   request.headers.get("X-Team")));
            EXPECT_EQ(request.headers.get("Authorization"), "");
            if (request.path.find("/blobs/") != std::string::npos) {
                response.status = 404;
            } else {
                response.send("{}", "x/y").ignore("");
            }
        }));
    const auto port = mirror->listen_tcp("127.0.0.1:0");
    ASSERT_TRUE(port);
    ASSERT_TRUE(mirror->start());
    serve([&](http::Request& request, http::Response& response) {
        if (request.path != "/v2/") response.send("0123456789").ignore("");
    });
    const auto directory = sys::TempDir::create().value();
    sys::mkdir_all(concat(directory.path(), "/", host_)).value();
    sys::write_file_atomic(
        concat(directory.path(), "/", host_, "/hosts.toml"),
        concat("[host.\"http://127.0.0.1:", *port, "/v2/cache\"]\noverride_path = true\n",
               "[host.\"http://127.0.0.1:", *port, "/v2/cache\".header]\nX-Team = \"blue\"\n"))
        .value();
    registries_ =
        std::move(*Registries::create({.hosts_dirs = {directory.path()}, .certs_dir = ""}));
    const auto repository = open(Access::Pull, {.username = "alice", .password = "secret"});
    EXPECT_TRUE(repository->fetch_manifest("1", {}));
    std::string received;
    const auto blob = repository->fetch_blob(describe("0123456789"), 0,
                                             [&](std::span<const std::byte> bytes) -> Result<> {
                                                 received += as_text(bytes);
                                                 return {};
                                             },
                                             {});
    EXPECT_TRUE(blob) << blob.error().message();
    EXPECT_EQ(received, "0123456789");  // the registry itself has what the mirror lacks
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_EQ(asked[0], concat("/v2/cache/a/b/manifests/1?ns=", host_, " blue"));
}

TEST(HostConfig, ReadsWhatContainerdReads) {
    const auto config = parse_host_config(R"(server = "https://reg.example/v2/"
[host."mirror.local:5000"]
  capabilities = ["pull"]
  skip_verify = true
  client = [["/c.pem", "key.pem"]]
[host."http://second"]
)",
                                          "/etc/x", "reg.example");
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_EQ(config->server, "https://reg.example");
    ASSERT_EQ(config->mirrors.size(), 2u);
    EXPECT_EQ(config->mirrors[0].address.base, "https://mirror.local:5000");
    EXPECT_FALSE(config->mirrors[0].can_resolve);
    EXPECT_TRUE(config->mirrors[0].can_pull);
    EXPECT_FALSE(config->mirrors[0].address.tls.verify);
    EXPECT_EQ(config->mirrors[0].address.tls.certificate_file, "/c.pem");
    EXPECT_EQ(config->mirrors[0].address.tls.key_file, "/etc/x/key.pem");
    EXPECT_EQ(config->mirrors[1].address.base, "http://second");
    EXPECT_TRUE(config->mirrors[1].can_resolve);
    for (const char* text : {"host = 1", "[host.\"ftp://x\"]", "[host.\"x\"]\nclient = [1]",
                             "[host.\"x\"]\nca = \"/absent\""})
        EXPECT_TRUE(parse_host_config(text, "/etc/x", "h").is_error()) << text;
}

TEST_F(RemoteTest, SearchesTheRegistryThatTheTermNames) {
    serve([&](http::Request& request, http::Response& response) {
        if (request.path != "/v1/search") return;
        EXPECT_EQ(request.query.get("q"), "post gres");
        response
            .send(
                R"({"results":[{"name":"postgres","description":"d","star_count":7,"is_official":true},{"name":"x/y"}]})")
            .ignore("");
    });
    const auto found = registries_->search(host_ + "/post gres", 1, {});
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(found->front().name, host_ + "/postgres");
    EXPECT_EQ(found->front().stars, 7);
    EXPECT_TRUE(found->front().is_official);
}

TEST_F(RemoteTest, RefusesAManifestThatIsNotTheOneAskedFor) {
    serve([](http::Request&, http::Response& response) { response.send("{}", "x/y").ignore(""); });
    const auto fetched =
        open(Access::Pull)->fetch_manifest(oci::Digest::of("other").to_string(), {});
    ASSERT_FALSE(fetched);
    EXPECT_TRUE(fetched.error().is(ErrorCode::Corrupted));
}

TEST_F(RemoteTest, SaysWhatTheRegistrySaid) {
    serve([](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        response.status = 404;
        response.send(R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})")
            .ignore("");
    });
    const auto fetched = open(Access::Pull)->fetch_manifest("1", {});
    ASSERT_FALSE(fetched);
    EXPECT_TRUE(fetched.error().is(ErrorCode::NotFound));
    EXPECT_EQ(fetched.error().message(), "manifest unknown: manifest unknown");
}

TEST_F(RemoteTest, PushesInOneRequestAndRepeatsWhenItIsCut) {
    std::string stored;
    std::atomic<int> puts = 0;
    serve([&](http::Request& request, http::Response& response) {
        if (request.method == "HEAD") {
            response.status = 404;
        } else if (request.method == "POST") {
            response.status = 202;
            response.headers.set("Location", "/v2/a/b/blobs/uploads/1?state=x");
        } else if (request.method == "PUT") {
            if (++puts == 1) return response.abort();
            EXPECT_EQ(request.query.get("state"), "x");
            stored = request.read_all(1 << 20).value_or("?");
            response.status = 201;
        }
    });
    const std::string content(100'000, 'y');
    const Source source = [&](std::uint64_t offset,
                              std::span<std::byte> buffer) -> Result<std::size_t> {
        const auto part = std::string_view(content).substr(offset, buffer.size());
        std::ranges::copy(as_bytes(part), buffer.begin());
        return part.size();
    };
    const auto outcome =
        open(Access::PullAndPush)->push_blob(describe(content), source, {}, {}, {});
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(*outcome, PushOutcome::Pushed);
    EXPECT_EQ(stored, content);
    EXPECT_EQ(puts, 2);
}

TEST_F(RemoteTest, CancelsATransferThatStands) {
    std::stop_source stop;
    serve([&](http::Request& request, http::Response& response) {
        if (request.path == "/v2/") return;
        response.headers.set("Content-Length", "10");
        response.write(std::string_view("123")).ignore("");
        stop.request_stop();
        while (!request.stop_token().stop_requested()) std::this_thread::yield();
    });
    const auto outcome =
        open(Access::Pull)
            ->fetch_blob(
                describe("0123456789"), 0, [](std::span<const std::byte>) { return Result<>(); },
                stop.get_token());
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is(ErrorCode::Cancelled));
}

TEST(Challenge, ReadsOneOrSeveral) {
    const auto challenges = parse_challenges(
        R"(Bearer realm="https://a/t",service="x y",scope="repository:a:pull,push", Basic realm=q)");
    ASSERT_EQ(challenges.size(), 2u);
    EXPECT_EQ(challenges[0].get("scope"), "repository:a:pull,push");
    EXPECT_EQ(challenges[0].get("service"), "x y");
    EXPECT_EQ(challenges[1].scheme, "basic");
    EXPECT_EQ(challenges[1].get("realm"), "q");
    for (const auto* text : {"", ",", "=", "Bearer =", "a=\"", "Bearer realm=\"\\"})
        parse_challenges(text);
}

TEST(Host, OnlyLoopbackAndListedHostsMayBeInsecure) {
    EXPECT_TRUE(is_insecure_host("localhost:5000", {}));
    EXPECT_TRUE(is_insecure_host("127.3.2.1", {}));
    EXPECT_TRUE(is_insecure_host("[::1]:5000", {}));
    EXPECT_FALSE(is_insecure_host("reg.local:5000", {}));
    EXPECT_TRUE(is_insecure_host("reg.local:5000", {"reg.local:5000"}));
    EXPECT_TRUE(is_insecure_host("10.1.2.3:5000", {"10.0.0.0/8"}));
    EXPECT_FALSE(is_insecure_host("11.1.2.3", {"10.0.0.0/8"}));
    EXPECT_FALSE(is_insecure_host("localhost.evil.org", {}));
}

}  // namespace
}  // namespace berth::remote
