#include "volume/host_ca.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "sys/dir.h"
#include "sys/file.h"

namespace berth::volume {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class HostCaTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto directory = sys::TempDir::create();
        ASSERT_FALSE(directory.is_error());
        directory_.emplace(std::move(*directory));
        bundle_ = directory_->path() + "/host.crt";
        std::ofstream(bundle_) << "-----BEGIN CERTIFICATE-----\n";
        ::setenv("SSL_CERT_FILE", bundle_.c_str(), 1);
        auto root = sys::open(directory_->path(), O_PATH | O_DIRECTORY);
        ASSERT_FALSE(root.is_error());
        root_ = std::move(*root);
    }
    void TearDown() override { ::unsetenv("SSL_CERT_FILE"); }
    void put(const std::string& path) {
        ASSERT_FALSE(
            sys::mkdir_all(directory_->path() + path.substr(0, path.rfind('/'))).is_error());
        std::ofstream(directory_->path() + path) << "x";
    }

    std::optional<sys::TempDir> directory_;
    std::string bundle_;
    sys::Fd root_;
};

TEST_F(HostCaTest, PointsProgramsAtTheBundle) {
    auto plan = plan_host_ca(root_);
    ASSERT_FALSE(plan.is_error());
    EXPECT_EQ(plan->bundle, bundle_);
    EXPECT_THAT(plan->overlays, IsEmpty());
    EXPECT_THAT(plan->environment, Contains(Pair("NODE_EXTRA_CA_CERTS", plan->target)));
}

TEST_F(HostCaTest, CoversBundlesThatTheRootHas) {
    put("/etc/ssl/certs/ca-certificates.crt");
    EXPECT_THAT(plan_host_ca(root_)->overlays, ElementsAre("/etc/ssl/certs/ca-certificates.crt"));
    EXPECT_THAT(plan_host_ca(root_, {.overlay_bundles = false})->overlays, IsEmpty());
}

TEST_F(HostCaTest, DoesNotFollowLinksOutOfTheRoot) {
    ASSERT_FALSE(sys::mkdir_all(directory_->path() + "/etc/ssl").is_error());
    // On the host this file exists; inside the root the link leads nowhere.
    ASSERT_FALSE(sys::symlink_at("/etc/passwd", root_, "etc/ssl/cert.pem").is_error());
    EXPECT_THAT(plan_host_ca(root_)->overlays, IsEmpty());
}

TEST_F(HostCaTest, IgnoresAVariableThatNamesNoFile) {
    ::setenv("SSL_CERT_FILE", "/nonexistent", 1);
    auto bundle = find_host_bundle();
    if (!bundle.is_error()) {
        EXPECT_NE(*bundle, "/nonexistent");
    }
}

}  // namespace berth::volume
