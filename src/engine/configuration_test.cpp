#include "engine/configuration.h"

#include <gtest/gtest.h>

#include "engine/options.h"

namespace berth::engine {
namespace {

Result<Configuration> configure(const std::vector<std::string>& flags,
                                const std::string& file = "{}") {
    const auto parsed = TRY(parse_flags(flags));
    const auto json = TRY(codec::parse_json(file));
    const auto settings = TRY(merge_settings(json, parsed.settings));
    return Configuration::from_settings(settings);
}

TEST(Configuration, HasDefaults) {
    const auto configuration = configure({});
    ASSERT_TRUE(configuration) << configuration.error().message();
    EXPECT_EQ(configuration->hosts, std::vector<std::string>{"unix:///run/berth/berth.sock"});
    EXPECT_EQ(configuration->data_root, "/var/lib/berth");
    EXPECT_EQ(configuration->log_options.at("max-size"), "20m");
}

TEST(Configuration, TakesLimitsOfSpace) {
    const auto share = configure({"--storage-max", "20G", "--storage-keep-free", "15%"});
    ASSERT_TRUE(share) << share.error().message();
    EXPECT_EQ(share->storage_limits,
              (StorageLimits{.max_bytes = std::int64_t{20} << 30, .keep_free_percent = 15}));
    const auto bytes = configure({}, R"({"storage-max": "", "storage-keep-free": "512m"})");
    ASSERT_TRUE(bytes) << bytes.error().message();
    EXPECT_EQ(bytes->storage_limits, (StorageLimits{.keep_free_bytes = 512 << 20}));
    EXPECT_EQ(size_text(0), "0B");
    EXPECT_EQ(size_text(1023), "1023B");
    EXPECT_EQ(size_text(1536 << 10), "1.5MiB");
    EXPECT_EQ(size_text(std::int64_t{20} << 30), "20GiB");
}

TEST(Configuration, TakesDockerdsFlags) {
    const auto configuration = configure(
        {"-H", "unix:///a", "--host=unix:///b", "--data-root", "/d/", "-D", "-G", "dev",
         "--insecure-registry=r:5000", "--log-opt", "max-size=1m", "--default-ulimit",
         "nofile=10:20", "--default-address-pool", "base=10.9.0.0/16,size=24", "--live-restore",
         "--iptables=false", "--default-shm-size=128m", "-p=/run/x.pid"});
    ASSERT_TRUE(configuration) << configuration.error().message();
    EXPECT_EQ(configuration->hosts, (std::vector<std::string>{"unix:///a", "unix:///b"}));
    EXPECT_EQ(configuration->data_root, "/d");
    EXPECT_EQ(configuration->log_level, "debug");
    EXPECT_EQ(configuration->group, "dev");
    EXPECT_EQ(configuration->log_options.at("max-size"), "1m");
    EXPECT_EQ(configuration->default_ulimits.at(0).hard, 20);
    EXPECT_EQ(configuration->address_pools.at(0), (std::pair<std::string, int>("10.9.0.0/16", 24)));
    EXPECT_EQ(configuration->default_shm_size, 128 << 20);
    EXPECT_EQ(configuration->pidfile, "/run/x.pid");
    EXPECT_TRUE(configuration->icc);
    EXPECT_FALSE(configure({"--icc=false", "--default-runtime=runc"})->icc);
}

TEST(Configuration, ReadsTheFile) {
    const auto configuration =
        configure({}, R"({"data-root":"/x","debug":true,"dns":["1.1.1.1"],"mtu":1400,
        "default-ulimits":{"nofile":{"Name":"nofile","Soft":5,"Hard":6}},"proxies":{"http-proxy":"http://p:1"}})");
    ASSERT_TRUE(configuration) << configuration.error().message();
    EXPECT_EQ(configuration->data_root, "/x");
    EXPECT_EQ(configuration->mtu, 1400);
    EXPECT_EQ(configuration->http_proxy, "http://p:1");
    EXPECT_EQ(configuration->default_ulimits.at(0).soft, 5);
}

TEST(Configuration, ExplainsWhatIsWrong) {
    const std::tuple<std::vector<std::string>, const char*, const char*> cases[] = {
        {{"--data-rot", "/x"}, "{}", "unknown flag: --data-rot"},
        {{"--data-root"}, "{}", "flag needs an argument"},
        {{"--mtu=big"}, "{}", "expected a number"},
        {{"--debug=perhaps"}, "{}", "expected true or false"},
        {{"serve"}, "{}", "unexpected argument"},
        {{}, R"({"data-rot":"/x"})", "unknown key 'data-rot'"},
        {{"--default-runtime=runsc"}, "{}", "'default-runtime': 'runsc' is not supported"},
        {{}, R"({"default-ipc-mode":"host"})", "'default-ipc-mode': 'host' is not supported"},
        {{}, R"({"debug":"yes"})", "must be true or false"},
        {{"--debug"}, R"({"debug":true})", "both as a flag and in the configuration file: debug"},
        {{"--data-root=here"}, "{}", "must be an absolute path"},
        {{"-H", "tcp://0.0.0.0:2375"}, "{}", "become root"},
        {{"-H", "/run/x.sock"}, "{}", "is not unix://PATH"},
        {{"--log-driver=splunk"}, "{}", "is not one of"},
        {{"--userns-remap=default"}, "{}", "not supported"},
        {{}, R"({"default-userns-mode":"private"})", "neither host nor auto"},
        {{"--layer-blobs=some"}, "{}", "none of keep, drop-pulled and drop"},
        {{"--storage-max=much"}, "{}", "storage-max"},
        {{"--storage-keep-free=100%"}, "{}", "storage-keep-free"},
        {{}, R"({"storage-keep-free": "a%"})", "storage-keep-free"},
        {{}, R"({"authorization-plugins":["x"]})", "not supported"},
        {{"--default-ulimit=nofile=9:5"}, "{}", "above the hard"},
    };
    for (const auto& [flags, file, text] : cases) {
        const auto configuration = configure(flags, file);
        ASSERT_TRUE(configuration.is_error()) << text;
        EXPECT_NE(configuration.error().message().find(text), std::string::npos)
            << configuration.error().message();
    }
    EXPECT_EQ(configure({"--data-rot=x"}).error().hint(), "did you mean --data-root?");
}

TEST(Configuration, NamesOptionsWithoutEffect) {
    const auto parsed = parse_flags(std::vector<std::string>{"--live-restore", "--debug"});
    const auto notes = notes_on(parsed->settings);
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_NE(notes[0].find("live-restore"), std::string::npos);
}

TEST(ParseSize, ReadsUnits) {
    EXPECT_EQ(parse_size("512"), 512);
    EXPECT_EQ(parse_size("64m"), 64 << 20);
    EXPECT_EQ(parse_size("1 GB"), std::int64_t{1} << 30);
    for (const char* text : {"", "m", "1x", "-1", "99999999999999999999", "9999999999g"})
        EXPECT_FALSE(parse_size(text)) << text;
}

}  // namespace
}  // namespace berth::engine
