#include "container/cdi.h"

#include <gtest/gtest.h>

namespace berth::container {
namespace {

const CdiFile json{
    "/etc/cdi/a.json",
    R"({"cdiVersion":"0.6.0","kind":"acme.com/gpu","containerEdits":{"env":["ACME=1"]},
    "devices":[{"name":"0","containerEdits":{"deviceNodes":[{"path":"/dev/acme0","hostPath":"/dev/null","permissions":"rw"}],
    "mounts":[{"hostPath":"/usr","containerPath":"/acme","options":["ro"]}],
    "hooks":[{"hookName":"createContainer","path":"/bin/true","args":["true"]}]}},{"name":"1","containerEdits":{"env":["ONE=1"]}}]})"};
const CdiFile yaml{"/var/run/cdi/b.yaml",
                   "cdiVersion: 0.6.0\nkind: acme.com/gpu\ndevices:\n- name: 1\n  "
                   "containerEdits:\n    env: [ONE=2]\n"};

TEST(Cdi, GathersTheEditsOfFileAndDevice) {
    const auto edits = resolve_cdi({json}, {"acme.com/gpu=0", "acme.com/gpu=1"});
    ASSERT_TRUE(edits) << edits.error().message();
    EXPECT_EQ(edits->env, (std::vector<std::string>{"ACME=1", "ONE=1"}));
    ASSERT_EQ(edits->nodes.size(), 1u);
    EXPECT_EQ(edits->nodes[0].host_path, "/dev/null");
    EXPECT_EQ(edits->nodes[0].permissions, "rw");
    EXPECT_EQ(edits->mounts.at(0).options, (std::vector<std::string>{"ro", "rbind"}));
    EXPECT_EQ(edits->hooks.create_container.at(0).path, "/bin/true");
}

TEST(Cdi, LetsLaterFilesWin) {
    EXPECT_EQ(resolve_cdi({json, yaml}, {"acme.com/gpu=1"})->env,
              std::vector<std::string>{"ONE=2"});
    EXPECT_EQ(list_cdi_devices({json, yaml}, "acme.com/gpu"), (std::vector<std::string>{"0", "1"}));
}

TEST(Cdi, NamesWhatIsMissingAndWhatIsBroken) {
    const auto missing =
        resolve_cdi({json, {"/etc/cdi/x.json", "{"}}, {"acme.com/gpu=7", "nonsense"});
    ASSERT_TRUE(missing.is_error());
    EXPECT_NE(missing.error().message().find("unresolvable CDI devices acme.com/gpu=7, nonsense"),
              std::string::npos);
    EXPECT_NE(missing.error().hint().find("/etc/cdi/x.json"), std::string::npos);
}

}  // namespace
}  // namespace berth::container
