#include "registry/registry.h"

#include <gtest/gtest.h>

#include "http/connection.h"
#include "oci/manifest.h"
#include "oci/media_type.h"
#include "registry/htpasswd.h"
#include "registry/route.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

struct Answer {
    int status = 0;
    http::Headers headers;
    std::string body;
};

/// A registry in a directory of its own, and a client.
class RegistryTest : public testing::Test {
protected:
    void SetUp() override {
        directory_.emplace(sys::TempDir::create().value());
        start({});
    }
    void start(const std::string& htpasswd) {
        server_.reset();
        registry_.reset();
        auto registry = Registry::open(
            {.root = directory_->path() + "/root", .htpasswd_file = htpasswd}, clock_);
        ASSERT_TRUE(registry) << registry.error().message();
        registry_ = std::move(*registry);
        server_ = std::move(
            *http::Server::create([this](http::Request& request, http::Response& response) {
                registry_->handle(request, response);
            }));
        ASSERT_TRUE(server_->listen_unix(directory_->path() + "/s"));
        ASSERT_TRUE(server_->start());
        client_.emplace(http::Endpoint{.unix_path = directory_->path() + "/s"});
    }
    Answer call(const std::string& method, const std::string& target, const std::string& body = {},
                const std::vector<std::pair<std::string, std::string>>& headers = {}) {
        http::ClientRequest request{.method = method, .target = target, .body = body};
        for (const auto& [name, value] : headers) request.headers.set(name, value);
        auto response = client_->send(std::move(request));
        if (!response) return {};
        Answer out{response->status, response->headers, {}};
        out.body = response->read_all().value_or("<cut>");
        return out;
    }
    oci::Descriptor push(const std::string& repository, const std::string& content,
                         std::string_view type) {
        const auto digest = oci::Digest::of(content);
        const auto answer = call(
            "POST", "/v2/" + repository + "/blobs/uploads/?digest=" + digest.to_string(), content);
        EXPECT_EQ(answer.status, 201);
        return {.media_type = std::string(type),
                .digest = digest,
                .size = static_cast<std::int64_t>(content.size())};
    }
    std::string push_image(const std::string& repository, const std::string& tag,
                           const std::string& content) {
        oci::Manifest manifest{.media_type = std::string(oci::media_type::oci_manifest)};
        manifest.config = push(repository, "{}" + content, oci::media_type::oci_config);
        manifest.layers = {push(repository, content, oci::media_type::oci_layer)};
        const auto bytes = manifest.to_json();
        EXPECT_EQ(call("PUT", "/v2/" + repository + "/manifests/" + tag, bytes,
                       {{"Content-Type", manifest.media_type}})
                      .status,
                  201);
        return bytes;
    }

    SystemClock clock_;
    std::optional<sys::TempDir> directory_;
    std::unique_ptr<Registry> registry_;
    std::unique_ptr<http::Server> server_;
    std::optional<http::Connection> client_;
};

TEST_F(RegistryTest, ServesWhatWasPushedByTagAndDigest) {
    const auto bytes = push_image("a/b", "1", "layer");
    const auto by_tag = call("GET", "/v2/a/b/manifests/1");
    EXPECT_EQ(by_tag.status, 200);
    EXPECT_EQ(by_tag.body, bytes);
    EXPECT_EQ(by_tag.headers.get("Content-Type"), oci::media_type::oci_manifest);
    const auto digest = oci::Digest::of(bytes).to_string();
    EXPECT_EQ(by_tag.headers.get("Docker-Content-Digest"), digest);
    const auto head = call("HEAD", "/v2/a/b/manifests/" + digest);
    EXPECT_EQ(head.headers.get("Content-Length"), std::to_string(bytes.size()));
    const auto layer = oci::Digest::of("layer").to_string();
    EXPECT_EQ(call("GET", "/v2/a/b/blobs/" + layer).body, "layer");
    const auto part = call("GET", "/v2/a/b/blobs/" + layer, {}, {{"Range", "bytes=1-2"}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, "ay");
    EXPECT_EQ(part.headers.get("Content-Range"), "bytes 1-2/5");
    EXPECT_EQ(call("GET", "/v2/other/blobs/" + layer).status, 404);  // not linked there
}

TEST_F(RegistryTest, TakesChunksInOrderOnlyAndSurvivesARestart) {
    auto upload = call("POST", "/v2/a/blobs/uploads/");
    ASSERT_EQ(upload.status, 202);
    const std::string location(upload.headers.get("Location"));
    EXPECT_EQ(call("PATCH", location, "01234", {{"Content-Range", "0-4"}}).headers.get("Range"),
              "0-4");
    EXPECT_EQ(call("PATCH", location, "xx", {{"Content-Range", "9-10"}}).status, 416);
    start({});
    EXPECT_EQ(call("GET", location).headers.get("Range"), "0-4");
    EXPECT_EQ(call("PATCH", location, "56").status, 202);
    const auto digest = oci::Digest::of("0123456789").to_string();
    EXPECT_EQ(call("PUT", location + "?digest=" + digest, "789").status, 201);
    EXPECT_EQ(call("GET", "/v2/a/blobs/" + digest).body, "0123456789");
    EXPECT_EQ(call("GET", location).status, 404);
}

TEST_F(RegistryTest, RefusesWhatTheDigestDoesNotSay) {
    const auto digest = oci::Digest::of("right").to_string();
    const auto answer = call("POST", "/v2/a/blobs/uploads/?digest=" + digest, "wrong");
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find("DIGEST_INVALID"), std::string::npos);
    EXPECT_EQ(call("GET", "/v2/a/blobs/" + digest).status, 404);
    EXPECT_EQ(call("GET", "/v2/a/blobs/sha256:short").status, 400);
    EXPECT_EQ(call("GET", "/v2/UPPER/manifests/1").status, 400);
    EXPECT_EQ(call("PUT", "/v2/a/manifests/1", "{}", {{"Content-Type", "x/y"}}).status, 400);
    oci::Manifest manifest{.media_type = std::string(oci::media_type::oci_manifest)};
    manifest.config = {.media_type = "x/y", .digest = oci::Digest::of("absent"), .size = 6};
    const auto missing = call("PUT", "/v2/a/manifests/1", manifest.to_json(),
                              {{"Content-Type", manifest.media_type}});
    EXPECT_EQ(missing.status, 404);
    EXPECT_NE(missing.body.find("MANIFEST_BLOB_UNKNOWN"), std::string::npos);
}

TEST_F(RegistryTest, MountsAndKeepsSharedBlobsUntilTheLastUse) {
    push_image("one", "1", "shared");
    const auto digest = oci::Digest::of("shared").to_string();
    EXPECT_EQ(call("POST", "/v2/two/blobs/uploads/?mount=" + digest + "&from=one").status, 201);
    EXPECT_EQ(call("POST", "/v2/two/blobs/uploads/?mount=" + digest + "&from=nowhere").status, 202);
    EXPECT_EQ(call("DELETE", "/v2/one/blobs/" + digest).status, 202);
    EXPECT_EQ(call("GET", "/v2/one/blobs/" + digest).status, 404);
    EXPECT_EQ(call("GET", "/v2/two/blobs/" + digest).body, "shared");
    EXPECT_EQ(call("DELETE", "/v2/two/blobs/" + digest).status, 202);
    EXPECT_FALSE(sys::exists(directory_->path() + "/root/blobs/sha256/" + digest.substr(7)));
}

TEST_F(RegistryTest, DeletesTagsAndManifests) {
    const auto digest = oci::Digest::of(push_image("a", "1", "x")).to_string();
    push_image("a", "2", "x");
    EXPECT_EQ(call("DELETE", "/v2/a/manifests/1").status, 202);
    EXPECT_EQ(call("GET", "/v2/a/manifests/1").status, 404);
    EXPECT_EQ(call("GET", "/v2/a/manifests/2").status, 200);
    EXPECT_EQ(call("DELETE", "/v2/a/manifests/" + digest).status, 202);
    EXPECT_EQ(call("GET", "/v2/a/manifests/2").status, 404);
    EXPECT_EQ(call("DELETE", "/v2/a/manifests/" + digest).status, 404);
}

TEST_F(RegistryTest, ListsTagsInPages) {
    for (const auto* tag : {"b", "a", "d", "c"}) push_image("a", tag, "x");
    EXPECT_EQ(call("GET", "/v2/a/tags/list").body, R"({"name":"a","tags":["a","b","c","d"]})");
    const auto page = call("GET", "/v2/a/tags/list?n=2");
    EXPECT_EQ(page.body, R"({"name":"a","tags":["a","b"]})");
    EXPECT_EQ(page.headers.get("Link"), R"(</v2/a/tags/list?n=2&last=b>; rel="next")");
    EXPECT_EQ(call("GET", "/v2/a/tags/list?n=2&last=b").body, R"({"name":"a","tags":["c","d"]})");
    EXPECT_EQ(call("GET", "/v2/nowhere/tags/list").status, 404);
    EXPECT_EQ(call("GET", "/v2/_catalog").body, R"({"repositories":["a"]})");
}

TEST_F(RegistryTest, ListsReferrersByType) {
    const auto subject_bytes = push_image("a", "1", "x");
    oci::Manifest signature{.media_type = std::string(oci::media_type::oci_manifest),
                            .artifact_type = "sig/x"};
    signature.config = push("a", "{}", oci::media_type::oci_empty);
    signature.subject = oci::Descriptor{.media_type = std::string(oci::media_type::oci_manifest),
                                        .digest = oci::Digest::of(subject_bytes),
                                        .size = static_cast<std::int64_t>(subject_bytes.size())};
    const auto bytes = signature.to_json();
    const auto put = call("PUT", "/v2/a/manifests/" + oci::Digest::of(bytes).to_string(), bytes,
                          {{"Content-Type", signature.media_type}});
    EXPECT_EQ(put.headers.get("OCI-Subject"), signature.subject->digest.to_string());
    const std::string target = "/v2/a/referrers/" + signature.subject->digest.to_string();
    EXPECT_EQ(oci::parse_index(call("GET", target).body)->manifests.size(), 1u);
    const auto filtered = call("GET", target + "?artifactType=other");
    EXPECT_EQ(oci::parse_index(filtered.body)->manifests.size(), 0u);
    EXPECT_EQ(filtered.headers.get("OCI-Filters-Applied"), "artifactType");
}

TEST_F(RegistryTest, AsksForAPasswordWhenThereAreUsers) {
    // alice:secret, bcrypt with cost 5
    const std::string file = directory_->path() + "/users";
    ASSERT_TRUE(sys::write_file_atomic(
        file, "alice:$2y$05$AqB2BaCULx479zC9K/lSWuXZTC.R/iJgQ83bjqdTZ0EuABR6oCzRu\n"));
    start(file);
    const auto refused = call("GET", "/v2/");
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.headers.get("WWW-Authenticate"), "Basic realm=\"Registry\"");
    EXPECT_EQ(call("GET", "/v2/", {}, {{"Authorization", "Basic YWxpY2U6d3Jvbmc="}}).status,
              401);  // alice:wrong
    EXPECT_EQ(call("GET", "/v2/", {}, {{"Authorization", "Basic YWxpY2U6c2VjcmV0"}}).status, 200);
}

TEST_F(RegistryTest, OnlyOneProcessUsesADirectory) {
    const auto second = Registry::open({.root = directory_->path() + "/root"}, clock_);
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(ErrorCode::Conflict));
}

TEST(Route, FindsTheRepositoryWhateverItIsCalled) {
    EXPECT_EQ(find_route("/v2/a/manifests/b/manifests/c")->repository, "a/manifests/b");
    EXPECT_EQ(find_route("/v2/a/blobs/uploads/")->resource, Resource::UploadStart);
    EXPECT_EQ(find_route("/v2/a/blobs/uploads/id")->resource, Resource::Upload);
    EXPECT_FALSE(find_route("/v2/a/blobs/x/y"));
    EXPECT_FALSE(find_route("/v1/"));
}

}  // namespace
}  // namespace berth::registry
