#include <gtest/gtest.h>

#include "api/auth.h"
#include "api/error.h"
#include "api/filters.h"
#include "api/network.h"
#include "api/progress.h"
#include "api/stream_frame.h"
#include "api/version.h"

namespace berth::api {
namespace {

TEST(Filters, ReadsBothForms) {
    for (const char* text :
         {R"({"label":{"a=b":true,"c":true},"x":{"no":false}})", R"({"label":["a=b","c"]})"}) {
        const auto filters = Filters::parse(text);
        ASSERT_TRUE(filters) << text;
        EXPECT_EQ(filters->values("label"), (std::vector<std::string>{"a=b", "c"}));
        EXPECT_FALSE(filters->has("x"));
    }
    EXPECT_TRUE(Filters::parse("")->is_empty());
    EXPECT_TRUE(Filters::parse("null")->is_empty());
}

TEST(Filters, RefusesOtherShapesAndUnknownKeys) {
    for (const char* text :
         {"[]", "{", R"({"a":"b"})", R"({"a":[1]})", R"({"a":{"b":"true"}})", "7"})
        EXPECT_TRUE(Filters::parse(text).is_error()) << text;
    const auto filters = Filters::parse(R"({"colour":["red"]})").value();
    EXPECT_EQ(filters.check_keys({"label", "name"}).error().message(), "invalid filter 'colour'");
    EXPECT_TRUE(filters.check_keys({"colour"}));
}

TEST(Filters, JoinsValuesByOrAndLabelsByAnd) {
    const auto filters =
        Filters::parse(R"({"status":["running","paused"],"label":["a=1","b"]})").value();
    EXPECT_TRUE(filters.matches("status", "paused"));
    EXPECT_FALSE(filters.matches("status", "exited"));
    EXPECT_TRUE(filters.matches("other", "anything"));
    EXPECT_TRUE(filters.matches_labels("label", {{"a", "1"}, {"b", "x"}}));
    EXPECT_FALSE(filters.matches_labels("label", {{"a", "1"}}));
    EXPECT_FALSE(filters.matches_labels("label", {{"a", "2"}, {"b", ""}}));
}

TEST(Filters, MatchesNamesWithAnchors) {
    const auto is = [](const std::string& pattern, std::string_view name) {
        Filters filters;
        filters.add("name", pattern);
        return filters.matches_name("name", name);
    };
    EXPECT_TRUE(is("we", "/web"));
    EXPECT_TRUE(is("^/web$", "web"));
    EXPECT_TRUE(is("^web$", "web"));
    EXPECT_TRUE(is("^web$", "/web"));
    EXPECT_FALSE(is("^web$", "web2"));
    EXPECT_FALSE(is("^eb", "web"));
}

TEST(Filters, ReadsBooleans) {
    EXPECT_EQ(Filters::parse(R"({"dangling":["true"]})")->boolean("dangling").value(), true);
    EXPECT_EQ(Filters::parse(R"({"dangling":["0"]})")->boolean("dangling").value(), false);
    EXPECT_EQ(Filters().boolean("dangling").value(), std::nullopt);
    EXPECT_TRUE(Filters::parse(R"({"dangling":["maybe"]})")->boolean("dangling").is_error());
}

TEST(AuthConfig, RoundTripsThroughTheHeader) {
    AuthConfig config{
        .username = "me", .password = "p\xc3\xa4ss?>", .server_address = "registry.example"};
    const auto again = AuthConfig::from_header(config.to_header());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->password, config.password);
    EXPECT_TRUE(AuthConfig::from_header("")->is_empty());
    EXPECT_EQ(AuthConfig::parse(R"({"auth":"bWU6cGFzcw=="})")->password, "pass");
    EXPECT_TRUE(AuthConfig::from_header("!!").is_error());
}

TEST(AuthConfig, ReadsAMapByHost) {
    const auto header = to_header({{"registry.example", {.username = "u", .password = "p"}}});
    EXPECT_EQ(auth_configs_from_header(header)->at("registry.example").username, "u");
    EXPECT_TRUE(auth_configs_from_header("")->empty());
}

TEST(ApiError, MapsCodesBothWays) {
    for (const auto code : {ErrorCode::NotFound, ErrorCode::InvalidArgument, ErrorCode::Conflict,
                            ErrorCode::Unauthenticated, ErrorCode::PermissionDenied,
                            ErrorCode::Unsupported, ErrorCode::Unavailable, ErrorCode::Internal})
        EXPECT_EQ(code_of(status_of(code)), code);
}

TEST(ApiError, CarriesTheHint) {
    const auto body = error_body(fail(ErrorCode::NotFound, "no such thing").with_hint("make it"));
    const auto error = parse_error(404, body);
    EXPECT_EQ(error.message(), "no such thing");
    EXPECT_EQ(error.hint(), "make it");
    EXPECT_EQ(parse_error(500, "oops\n").message(), "oops");
    EXPECT_NE(parse_error(500, "").message(), "");
}

TEST(ProgressMessage, WritesAndReadsLines) {
    ProgressMessage message{.status = "Downloading", .id = "abc", .current = 5, .total = 10};
    EXPECT_EQ(message.to_line(),
              "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":10},\"id\":"
              "\"abc\"}\r\n");
    const auto failed = ProgressMessage{.error = "no", .error_code = 7}.to_line();
    EXPECT_EQ(ProgressMessage::parse(failed)->error, "no");
    EXPECT_EQ(ProgressMessage::parse(failed)->error_code, 7);
    EXPECT_EQ(ProgressMessage::parse(R"({"aux":{"ID":"x"}})")->aux, R"({"ID":"x"})");
}

TEST(StreamFrame, ComesApartHoweverItIsCut) {
    std::string text;
    append_frame(text, Stream::Stdout, "hello ");
    append_frame(text, Stream::Stderr, "");
    append_frame(text, Stream::Stderr, "world");
    for (std::size_t step = 1; step <= text.size(); ++step) {
        FrameDecoder decoder;
        std::string out, err;
        for (std::size_t at = 0; at < text.size(); at += step)
            ASSERT_TRUE(decoder.feed(std::string_view(text).substr(at, step),
                                     [&](Stream stream, std::string_view bytes) {
                                         (stream == Stream::Stdout ? out : err) += bytes;
                                         return Result<>();
                                     }));
        EXPECT_EQ(out, "hello ");
        EXPECT_EQ(err, "world");
        EXPECT_TRUE(decoder.is_complete());
    }
}

TEST(StreamFrame, ReportsASystemErrorAndGarbage) {
    const auto nothing = [](Stream, std::string_view) { return Result<>(); };
    std::string text;
    append_frame(text, Stream::SystemError, "disk on fire");
    EXPECT_NE(FrameDecoder().feed(text, nothing).error().message().find("disk on fire"),
              std::string::npos);
    EXPECT_EQ(FrameDecoder().feed("HTTP/1.1 500", nothing).error().code(), ErrorCode::Corrupted);
}

TEST(ApiVersion, ParsesAndCompares) {
    EXPECT_EQ(ApiVersion::parse("1.44"), (ApiVersion{1, 44}));
    EXPECT_LT(*ApiVersion::parse("1.9"), *ApiVersion::parse("1.24"));
    for (const char* text : {"", "1", "1.", ".4", "v1.4", "1.4x", "1.-4", "99999999999.1"})
        EXPECT_FALSE(ApiVersion::parse(text)) << text;
}

TEST(NetworkCreateRequest, RoundTrips) {
    NetworkCreateRequest request{.name = "front", .driver = "bridge", .labels = {{"a", "b"}}};
    request.ipam = Ipam{.driver = "default", .config = {{.subnet = "10.0.0.0/24"}}};
    EXPECT_EQ(NetworkCreateRequest::parse(request.to_json())->to_json(), request.to_json());
}

}  // namespace
}  // namespace berth::api
