#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "build/dockerfile/compile.h"
#include "build/dockerfile/expand.h"

namespace berth::build::dockerfile {

inline constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
inline constexpr std::string_view history_comment = "buildkit.dockerfile.v0";

/// Where a stage stands after some of its instructions.
struct StageState {
    VertexId root = no_vertex;
    oci::ImageConfig image;
    std::vector<HistoryItem> history;
    /// ARGs declared so far, in order; nullopt: declared, without a value.
    std::vector<std::pair<std::string, std::optional<std::string>>> args;
    oci::Platform platform;
    std::string base_image;
    bool cmd_is_set = false;  // in this stage
    bool is_compiled = false;
    std::vector<std::size_t> steps;  // of this stage

    std::optional<std::string> find_arg(std::string_view name) const;
    void set_arg(const std::string& name, std::optional<std::string> value);
};

/// Compiles one Dockerfile. One instance per compile().
class Compiler {
public:
    Compiler(const Dockerfile& file, const Source& source, const CompileOptions& options)
        : file_(file), source_(source), options_(options), stages_(file.stages.size()) {}
    Result<Plan> run();

private:
    // compile.cpp: stages and where they come from
    Result<std::size_t> find_target() const;
    Result<> define_global_args();
    Result<> compile_stage(std::size_t index);
    Result<> start_stage(std::size_t index);
    Result<> start_from_image(const Stage& stage, const std::string& name, StageState& state);
    Result<std::vector<Instruction>> take_triggers(const Stage& stage, StageState& state);
    std::optional<std::size_t> find_stage(std::string_view name, std::size_t before) const;
    /// The root of what `--from=` names: an earlier stage, a named context, an image.
    Result<VertexId> resolve_from(const std::string& name, std::size_t stage_index,
                                  const Instruction& instruction);
    Result<ResolvedImage> resolve_image(const std::string& name, const oci::Platform& platform,
                                        const Place& place);
    VertexId context_vertex();
    /// Notes when an equal vertex of another step is there already.
    VertexId add_vertex(Vertex vertex);
    std::string stage_title(std::size_t index) const;
    std::size_t add_step(std::size_t stage_index, const Instruction& instruction,
                         bool metadata_only);
    void number_steps(std::size_t stage_index);
    void order_steps();

    // apply.cpp: instructions
    Result<> apply(std::size_t stage_index, const Instruction& instruction);
    Result<> apply_arg(const Instruction& instruction, const Arg& arg, StageState& state);
    Result<> apply_env(const Instruction& instruction, const Env& env, StageState& state);
    Result<> apply_label(const Instruction& instruction, const Label& label, StageState& state);
    Result<> apply_expose(const Instruction& instruction, const Expose& expose, StageState& state);
    Result<> apply_workdir(std::size_t stage_index, const Instruction& instruction,
                           const Workdir& workdir, StageState& state);
    Result<> apply_settings(const Instruction& instruction, StageState& state);
    void apply_healthcheck(const Healthcheck& check, StageState& state);
    void apply_command(const CommandLine& command, bool is_entrypoint, StageState& state);

    // apply_run.cpp, apply_copy.cpp
    Result<> apply_run(std::size_t stage_index, const Instruction& instruction, const Run& run,
                       StageState& state);
    Result<> set_command(const Instruction& instruction, const Run& run, const StageState& state,
                         ExecOp& op);
    void set_environment(const StageState& state, ExecOp& op);
    Result<ExecMount> compile_mount(std::size_t stage_index, const Instruction& instruction,
                                    const RunMount& mount, StageState& state, Vertex& vertex);
    Result<> apply_copy(std::size_t stage_index, const Instruction& instruction, const Copy& copy,
                        StageState& state);
    Result<> add_copy_sources(std::size_t stage_index, const Instruction& instruction,
                              const Copy& copy, const std::string& destination, StageState& state,
                              Vertex& vertex, FileOp& op);
    Result<> add_heredocs(const Instruction& instruction, const Copy& copy,
                          const std::string& destination, StageState& state, FileOp& op);

    // expanding
    Expander expander_for(const StageState& state) const;
    Result<std::string> expand(const Instruction& instruction, const StageState& state,
                               std::string_view text);
    std::optional<std::string> global(std::string_view name) const;
    std::optional<std::string> build_arg(const std::string& name) const;
    void note_undefined(const Instruction& instruction, const Expander& expander);
    Error error(const Instruction& instruction, const Error& cause) const;

    void add_history(StageState& state, std::string created_by, VertexId vertex = no_vertex);
    bool ignores_cache(std::size_t stage_index) const;

    const Dockerfile& file_;
    const Source& source_;
    const CompileOptions& options_;
    std::vector<StageState> stages_;
    std::vector<std::pair<std::string, std::optional<std::string>>> globals_;
    std::set<std::string> in_progress_;
    Plan plan_;
    VertexId context_ = no_vertex;
};

/// An absolute, clean path: `path` relative to `base`. A trailing slash is dropped.
std::string resolve_path(std::string_view base, std::string_view path);

}  // namespace berth::build::dockerfile
