#pragma once
#include <functional>
#include <map>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "build/builder.h"
#include "build/executor.h"
#include "build/ops/cache_mounts.h"
#include "codec/compression.h"
#include "codec/ignore_pattern.h"
#include "http/transfer.h"
#include "snapshot/driver.h"
#include "sys/dir.h"
#include "sys/mount.h"

namespace berth::build {

/// What one build gives to its steps.
struct BuildSurroundings {
    const Services& services;
    const BuildRequest& request;
    std::string temp_root;  // for roots and downloads; on the file system of the layers
    std::string build_id;
    std::shared_ptr<LocalTree> context;
    codec::IgnorePatterns ignored;               // what .dockerignore took out of it
    std::map<std::string, image::Image> images;  // by manifest digest, as the front end found them
    CacheMounts& cache_mounts;
    http::Transfers& transfers;
    std::counting_semaphore<>& slots;                     // how many commands run at a time
    std::function<void(const image::Layer&)> made_layer;  // before anything else can know of it
    std::function<void(const Vertex&, int stream, std::string_view)> output;
    std::function<void(const Vertex&, const FailedCommand&)>
        command_failed;  // before execute() fails
};

/// Runs vertices on real layers: overlay roots, processes, captured layers.
class LayerExecutor final : public Executor {
public:
    explicit LayerExecutor(BuildSurroundings surroundings)
        : surroundings_(std::move(surroundings)) {}
    Result<Tree> load(const Vertex& source, std::stop_token stop) override;
    Result<std::string> digest(const Tree& tree, const Selection& selection,
                               std::stop_token stop) override;
    Result<Tree> execute(const Vertex& vertex, const std::vector<Tree>& inputs,
                         std::stop_token stop) override;

private:
    /// A writable root on top of layers, thrown away at the end.
    struct WorkRoot {
        sys::DetachedMount memory;  // where the writable directories are; outlives the mount
        std::optional<sys::TempDir> directory;  // or here
        snapshot::Writable writable;
        sys::DetachedMount mount;
    };
    struct StepMounts;

    /// A file of the context that .dockerignore leaves out is missing for a reason worth telling.
    Error explain_missing(Error error, const Tree& input,
                          const std::vector<std::string>& sources) const;
    Result<WorkRoot> make_root(const std::vector<image::Layer>& layers);
    Result<WorkRoot> make_root_in_memory(const std::vector<image::Layer>& layers);
    Result<WorkRoot> make_root_in(const std::string& directory,
                                  const std::vector<image::Layer>& layers);
    Result<Tree> execute_files(const FileOp& op, const std::vector<Tree>& inputs,
                               std::stop_token stop);
    Result<Tree> capture(const WorkRoot& root, const Tree& base, bool skip_empty,
                         std::stop_token stop);
    Result<> run(const Vertex& vertex, const ExecOp& op, const std::vector<Tree>& inputs,
                 const WorkRoot& root, std::stop_token stop);
    Result<> add_mount(const ExecMount& mount, const std::vector<Tree>& inputs,
                       container::StepRequest& step, StepMounts& mounts, std::stop_token stop);
    Result<> add_bind(const ExecMount& mount, const Tree& input, container::StepRequest& step,
                      StepMounts& mounts, std::stop_token stop);
    Result<> add_cache(const ExecMount& mount, const std::vector<Tree>& inputs,
                       container::StepRequest& step, StepMounts& mounts, std::stop_token stop);
    Result<> add_secret(const ExecMount& mount, container::StepRequest& step);
    Result<> add_agent(const ExecMount& mount, container::StepRequest& step, StepMounts& mounts);
    Result<> add_script(const ExecOp& op, container::StepRequest& step, StepMounts& mounts);
    Result<> add_host_ca(container::StepRequest& step, sys::BorrowedFd root);
    Result<> change_files(const FileOp& op, const std::vector<Tree>& inputs, const WorkRoot& root,
                          std::stop_token stop);
    Result<> copy(const CopyAction& action, const Tree& input, sys::BorrowedFd root,
                  std::stop_token stop);

    BuildSurroundings surroundings_;
};

}  // namespace berth::build
