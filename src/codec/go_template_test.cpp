#include "codec/go_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.h"

namespace berth::codec {
namespace {

const Json& sample() {
    static const Json json = *parse_json(R"({
        "Name": "web", "Empty": "", "Size": 42, "Ratio": 0.5, "On": true, "Off": false, "Nothing": null,
        "Names": ["a", "b", "c"],
        "Config": {"Labels": {"tier": "front", "com.x/y": "z"}, "Image": "nginx"},
        "State": {"Running": true},
        "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "443/tcp": null},
        "Counts": {"b": 2, "a": 1}})");
    return json;
}

Result<std::string> render(std::string_view text) {
    auto parsed = GoTemplate::parse(text);
    if (!parsed) return std::move(parsed).error();
    return parsed->execute(sample());
}

struct Case {
    std::string text, expected;
};

class Renders : public testing::TestWithParam<Case> {};

TEST_P(Renders, AsGoDoes) {
    auto result = render(GetParam().text);
    ASSERT_TRUE(result) << GetParam().text << ": " << result.error().message();
    EXPECT_EQ(*result, GetParam().expected) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, Renders,
    testing::Values(
        Case{"plain", "plain"}, Case{"{{.Name}}", "web"}, Case{"{{ .Config.Image }}!", "nginx!"},
        Case{"{{.Size}}", "42"}, Case{"{{.Ratio}}", "0.5"}, Case{"{{.Names}}", "[a b c]"},
        Case{"{{.Counts}}", "map[a:1 b:2]"}, Case{"{{.Nothing}}", "<no value>"},
        Case{"{{$.Name}}", "web"}, Case{"{{(.Config).Image}}", "nginx"},
        Case{"{{.Config.Labels.absent}}", "<no value>"},
        Case{"{{json .Config.Labels}}", R"({"tier":"front","com.x/y":"z"})"},
        Case{"{{json .Nothing}}", "null"}, Case{"{{index .Config.Labels \"com.x/y\"}}", "z"},
        Case{"{{index .Config.Labels \"none\"}}|", "|"}, Case{"{{index .Names 1}}", "b"},
        Case{"{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"},
        Case{"{{with index .Ports \"80/tcp\"}}{{(index . 0).HostPort}}{{end}}", "8080"}));

INSTANTIATE_TEST_SUITE_P(
    Control, Renders,
    testing::Values(Case{"{{if .On}}y{{else}}n{{end}}", "y"},
                    Case{"{{if .Empty}}y{{else}}n{{end}}", "n"},
                    Case{"{{if .Off}}a{{else if .On}}b{{else}}c{{end}}", "b"},
                    Case{"{{if .State.Health}}h{{else}}none{{end}}", "none"},
                    Case{"{{if and .On .Name}}y{{end}}", "y"},
                    Case{"{{if or .Off .Empty}}y{{else}}n{{end}}", "n"},
                    Case{"{{if not .Off}}y{{end}}", "y"},
                    Case{"{{range .Names}}<{{.}}>{{end}}", "<a><b><c>"},
                    Case{"{{range $i, $e := .Names}}{{$i}}{{$e}} {{end}}", "0a 1b 2c "},
                    Case{"{{range $k, $v := .Counts}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"},
                    Case{"{{range $p, $conf := .Ports}}{{$p}} -> {{with $conf}}{{(index . "
                         "0).HostPort}}{{else}}-{{end}} {{end}}",
                         "443/tcp -> - 80/tcp -> 8080 "},
                    Case{"{{range .Nothing}}x{{else}}empty{{end}}", "empty"},
                    Case{"{{range .Names}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"},
                    Case{"{{range .Names}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"},
                    Case{"{{with .Config}}{{.Image}}{{end}}", "nginx"},
                    Case{"{{with $x := .Name}}{{$x}}{{end}}", "web"},
                    Case{"{{$x := 1}}{{if .On}}{{$x = 2}}{{end}}{{$x}}", "2"},
                    Case{"a {{- .Name -}} b", "awebb"}, Case{"a{{/* note */}}b", "ab"},
                    Case{"x {{- /* note */ -}} y", "xy"}, Case{"{{\"quoted\\n\"}}", "quoted\n"},
                    Case{"{{`raw`}}", "raw"}, Case{"{{if eq .Name \"x\" \"web\"}}y{{end}}", "y"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, Renders,
    testing::Values(
        Case{"{{upper .Name}}", "WEB"}, Case{"{{.Name | upper | lower}}", "web"},
        Case{"{{title \"two words\"}}", "Two Words"}, Case{"{{join .Names \", \"}}", "a, b, c"},
        Case{"{{split \"a:b\" \":\"}}", "[a b]"}, Case{"{{len .Names}}", "3"},
        Case{"{{truncate \"abcdef\" 3}}", "abc"}, Case{"{{pad .Name 1 2}}|", " web  |"},
        Case{"{{pad .Empty 1 2}}|", "|"}, Case{"{{printf \"%s-%d\" .Name .Size}}", "web-42"},
        Case{"{{printf \"%-6s|%6.2f|%05d|%q\" .Name .Ratio .Size .Name}}",
             "web   |  0.50|00042|\"web\""},
        Case{"{{printf \"%v %t %x\" .Names .On .Size}}", "[a b c] true 2a"},
        Case{"{{printf \"%d\" .Name}}", "%!d(string=web)"},
        Case{"{{printf \"%s\"}}", "%!s(MISSING)"}, Case{"{{printf \"x\" 1}}", "x%!(EXTRA int64=1)"},
        Case{"{{println .Name .Size}}", "web 42\n"}, Case{"{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3"},
        Case{"{{slice .Name 1}}", "eb"},
        Case{"{{lt 1 2}} {{ge 2 2}} {{gt \"b\" \"a\"}} {{ne 1 2}}", "true true true true"},
        Case{"{{html \"<a>\"}}", "&lt;a&gt;"},
        Case{"{{.Name | printf \"%s %s\" \"the\"}}", "the web"}));

TEST(GoTemplateErrors, SayWhereTheTemplateIsBroken) {
    for (const std::string text :
         {"{{", "{{.Name", "{{if .On}}", "{{end}}", "{{else}}", "{{nosuch .Name}}", "{{$x}}",
          "{{.A}", "{{\"open}}", "{{/* open }}", "{{()}}", "{{|}}", "{{.Name | \"x\"}}",
          "{{break}}", "{{if}}{{end}}", "{{1.2.3}}", "{{range $a, 1 := .Names}}{{end}}"}) {
        auto result = GoTemplate::parse(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument) << text;
        EXPECT_THAT(result.error().message(), testing::StartsWith("template:1:")) << text;
    }
}

TEST(GoTemplateErrors, NameTheFieldThatIsMissing) {
    for (const std::string text :
         {"{{.Nmae}}", "{{.State.Health.Status}}", "{{.Name.More}}", "{{.Nothing.More}}",
          "{{index .Names 9}}", "{{len .Size}}", "{{lt 1 \"a\"}}", "{{.Name 1}}"}) {
        auto result = render(text);
        ASSERT_FALSE(result) << text << " gave " << *result;
        EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument) << text;
    }
}

TEST(GoTemplate, CallsMethodsOfTheTopValue) {
    const TemplateMethod method =
        [](const Json& receiver, std::string_view name,
           const std::vector<Json>& arguments) -> std::optional<Result<Json>> {
        if (name != "Label" || arguments.size() != 1) return std::nullopt;
        return Result<Json>(
            Json(get_string(receiver["Config"]["Labels"], arguments[0].get<std::string>())));
    };
    auto parsed = GoTemplate::parse("{{.Label \"tier\"}} {{.Label \"none\"}}|");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed->execute(sample(), method), "front |");
}

TEST(GoTemplate, ListsItsFields) {
    auto parsed = GoTemplate::parse("{{.ID}}\t{{upper .Names}}{{if .ID}}{{.Ports}}{{end}}");
    ASSERT_TRUE(parsed);
    EXPECT_THAT(parsed->fields(), testing::ElementsAre("ID", "Names", "Ports"));
}

TEST(GoTemplate, RefusesEndlessNesting) {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "{{if .On}}";
    EXPECT_FALSE(GoTemplate::parse(text));
    EXPECT_FALSE(GoTemplate::parse("{{" + std::string(5000, '(') + "}}"));
}

}  // namespace
}  // namespace berth::codec
