#include "oci/manifest.h"

#include <gtest/gtest.h>

#include "oci/media_type.h"

namespace berth::oci {
namespace {

Descriptor describe(std::string_view type, std::string_view content) {
    return {.media_type = std::string(type),
            .digest = Digest::of(content),
            .size = static_cast<std::int64_t>(content.size())};
}

TEST(Manifest, ReadsWhatItWrites) {
    Manifest manifest{.media_type = std::string(media_type::docker_manifest)};
    manifest.config = describe(media_type::docker_config, "{}");
    manifest.layers = {describe(media_type::docker_layer_gzip, "one"),
                       describe(media_type::oci_layer_zstd, "two")};
    manifest.annotations = {{"k", "v"}};
    const auto again = parse_manifest(manifest.to_json(), media_type::docker_manifest);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->layers, manifest.layers);
    EXPECT_EQ(again->config, manifest.config);
    EXPECT_EQ(again->annotations, manifest.annotations);
}

TEST(Manifest, RefusesContradictions) {
    const std::string config = describe(media_type::oci_config, "{}").to_json();
    const std::pair<std::string, std::string> cases[] = {
        {"", ""},
        {"[]", ""},
        {"{}", ""},
        {R"({"schemaVersion":1,"fsLayers":[]})", ""},
        {R"({"schemaVersion":2,"config":)" + config + R"(,"manifests":[]})", ""},
        {R"({"schemaVersion":2,"layers":[]})", ""},
        {R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})",
         "application/vnd.oci.image.manifest.v1+json"},
        {R"({"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:1","size":1}})", ""},
        {R"({"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:)" +
             std::string(64, 'a') + R"(","size":-1}]})",
         ""},
    };
    for (const auto& [text, type] : cases)
        EXPECT_FALSE(parse_manifest_or_index(text, type)) << text;
}

TEST(Index, FindsThePlatformAndNeverAnAttestation) {
    Index index{.media_type = std::string(media_type::oci_index)};
    const auto add = [&](const char* os, const char* architecture, const char* variant) {
        auto entry = describe(media_type::oci_manifest, std::string(os) + architecture + variant);
        entry.platform = Platform{.os = os, .architecture = architecture, .variant = variant};
        index.manifests.push_back(entry);
    };
    add("unknown", "unknown", "");
    add("linux", "386", "");
    add("linux", "amd64", "v3");
    add("linux", "amd64", "");
    add("linux", "arm", "v6");
    add("linux", "arm64", "v8");
    EXPECT_EQ(index.find({"linux", "amd64"}), &index.manifests[3]);
    EXPECT_EQ(index.find({"linux", "amd64", "v4"}), &index.manifests[2]);
    EXPECT_EQ(index.find({"linux", "arm", "v7"}), &index.manifests[4]);
    EXPECT_EQ(index.find({"linux", "arm64"}), &index.manifests[5]);
    EXPECT_EQ(index.find({"linux", "s390x"}), nullptr);
    const auto again = parse_index(index.to_json());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->manifests, index.manifests);
}

TEST(Platform, UnderstandsWhatUsersType) {
    EXPECT_EQ(Platform::parse("linux/amd64")->to_string(), "linux/amd64");
    EXPECT_EQ(Platform::parse("x86_64")->to_string(), "linux/amd64");
    EXPECT_EQ(Platform::parse("linux/arm64/v8")->to_string(), "linux/arm64");
    EXPECT_EQ(Platform::parse("linux/armhf")->to_string(), "linux/arm/v7");
    EXPECT_EQ(Platform::parse("linux")->os, "linux");
    for (const auto* text : {"", "a/b/c/d", "linux/", "lin ux/amd64", "nonsense"})
        EXPECT_FALSE(Platform::parse(text)) << text;
}

}  // namespace
}  // namespace berth::oci
