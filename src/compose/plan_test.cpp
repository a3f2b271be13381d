#include "compose/plan.h"

#include <gtest/gtest.h>

#include "compose/container_request.h"
#include "compose/labels.h"

namespace berth::compose {
namespace {

Service service(const std::string& name, const std::string& text,
                std::vector<Dependency> depends_on = {}) {
    Service out;
    out.name = name;
    out.definition = *codec::parse_yaml(text, "f");
    out.depends_on = std::move(depends_on);
    return out;
}

Project project() {
    Project out;
    out.name = "shop";
    out.services.push_back(
        service("api", "{image: a, networks: {default: null}}", {{.service = "db"}}));
    out.services.push_back(service("db", "{image: d}"));
    out.networks.set("default", *codec::parse_yaml("{name: shop_default}", "f"));
    return out;
}

ObservedContainer container(const Service& of, int number, const std::string& state,
                            const std::string& image = "img") {
    return {.id = of.name + std::to_string(number),
            .name = "shop-" + of.name,
            .service = of.name,
            .number = number,
            .config_hash = config_hash(of),
            .image_id = image,
            .state = state};
}

TEST(Plan, CreatesWhatIsMissingInDependencyOrder) {
    EXPECT_EQ(to_string(make_plan(project(), {}, {})), "db-1 create\napi-1 create\n");
}

TEST(Plan, KeepsStartsAndRecreates) {
    const Project p = project();
    const auto api = container(p.services[0], 1, "running");
    const auto db = container(p.services[1], 1, "exited");
    EXPECT_EQ(to_string(make_plan(p, {api, db}, {})), "db-1 start\napi-1 keep\n");
    EXPECT_EQ(to_string(make_plan(p, {api, db}, {.image_ids = {{"api", "other"}, {"db", "img"}}})),
              "db-1 start\napi-1 recreate (image changed)\n");
    EXPECT_EQ(to_string(make_plan(p, {api, db}, {.force_recreate = true})),
              "db-1 recreate (forced)\napi-1 recreate (forced)\n");
    Project changed = p;
    changed.services[1].definition.set("tty", codec::YamlNode::of_plain("true"));
    EXPECT_EQ(to_string(make_plan(changed, {api, db}, {})),
              "db-1 recreate (configuration changed)\napi-1 keep\n");
    EXPECT_EQ(to_string(make_plan(changed, {api, db}, {.no_recreate = true})),
              "db-1 start\napi-1 keep\n");
}

TEST(Plan, ScalesBothWaysAndFindsOrphans) {
    const Project p = project();
    const auto one = container(p.services[0], 1, "running");
    const auto two = container(p.services[0], 2, "running");
    auto orphan = container(p.services[0], 1, "running");
    orphan.service = "gone";
    EXPECT_EQ(to_string(make_plan(p, {one, two, orphan}, {.scale = {{"db", 0}}})),
              "api-1 keep\napi-2 remove\norphan shop-api\n");
    EXPECT_EQ(to_string(make_plan(p, {one}, {.scale = {{"db", 0}, {"api", 3}}})),
              "api-1 keep\napi-2 create\napi-3 create\n");
}

TEST(ConfigHash, IgnoresWhatNeedsNoNewContainer) {
    const Service a = service("s", "{image: x, tty: true}");
    EXPECT_EQ(config_hash(a),
              config_hash(service(
                  "s", "{image: x, tty: true, build: {context: /}, scale: 3, profiles: [p]}")));
    EXPECT_NE(config_hash(a), config_hash(service("s", "{image: x, tty: false}")));
}

TEST(ContainerRequest, SaysEverythingTheServiceSays) {
    Project p = project();
    p.services[0].definition = *codec::parse_yaml(
        "{image: a, command: [run, it], environment: {A: '1'}, user: '1000', mem_limit: 64m, cpus: "
        "'0.5', restart: 'on-failure:3',"
        " networks: {default: {aliases: [web]}}, ports: [{mode: ingress, target: 80, published: "
        "'8080', protocol: tcp}],"
        " volumes: [{type: volume, source: data, target: /d}], healthcheck: {test: [CMD, x], "
        "interval: 2s, retries: 3},"
        " stop_grace_period: 1m30s}",
        "f");
    p.volumes.set("data", *codec::parse_yaml("{name: shop_data}", "f"));
    const auto request = container_request(
        p, p.services[0],
        {.number = 2, .image_id = "sha256:1", .container_of = {}, .inherited_volumes = {}});
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->config.env, std::vector<std::string>{"A=1"});
    EXPECT_EQ(request->config.stop_timeout, 90);
    EXPECT_EQ(request->config.healthcheck->interval, 2'000'000'000);
    EXPECT_EQ(request->host_config.resources.memory, 64 << 20);
    EXPECT_EQ(request->host_config.resources.nano_cpus, 500'000'000);
    EXPECT_EQ(request->host_config.restart_policy.maximum_retry_count, 3);
    EXPECT_EQ(request->host_config.network_mode, "shop_default");
    EXPECT_EQ(request->endpoints.at("shop_default").aliases,
              (std::vector<std::string>{"shop-api-2", "api", "web"}));
    EXPECT_EQ(request->host_config.port_bindings.at("80/tcp").at(0).host_port, "8080");
    EXPECT_EQ(request->host_config.mounts.at(0).source, "shop_data");
    EXPECT_EQ(request->config.labels.at(std::string(label::depends_on)),
              "db:service_started:false");
}

TEST(ContainerRequest, NamesServiceAndKeyOfAMistake) {
    Project p = project();
    p.services[0].definition = *codec::parse_yaml("{image: a, restart: sometimes}", "f");
    const auto request = container_request(p, p.services[0], {});
    ASSERT_TRUE(request.is_error());
    EXPECT_NE(request.error().message().find("service \"api\": restart"), std::string::npos);
}

}  // namespace
}  // namespace berth::compose
