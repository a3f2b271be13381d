#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/dockerfile/ast.h"
#include "build/dockerfile/source.h"
#include "build/graph.h"
#include "build/progress.h"
#include "oci/image_config.h"

namespace berth::build::dockerfile {

/// A base image, found and pinned.
struct ResolvedImage {
    std::string reference;  // complete name, for messages
    oci::Digest manifest;
    oci::ImageConfig config;
};
/// Finds an image, downloading it when needed.
using ImageResolver =
    std::function<Result<ResolvedImage>(const std::string& name, const oci::Platform& platform)>;

struct CompileOptions {
    std::string target;
    oci::Platform platform, build_platform;
    std::map<std::string, std::optional<std::string>>
        args;  // --build-arg; nullopt: named without a value
    std::vector<std::pair<std::string, std::string>> labels;
    std::map<std::string, std::string> named_contexts;
    ExecNetwork network = ExecNetwork::Default;
    bool no_cache = false;
    std::set<std::string> no_cache_stages;
    bool allow_host_network = true, allow_insecure = false;
    ImageResolver resolve;
};

/// What an instruction is to progress and errors.
struct Step {
    StepInfo info;
    Place place;
};

/// A line of the new image's history; `vertex` is no_vertex when only the configuration changed.
struct HistoryItem {
    std::string created_by;
    VertexId vertex = no_vertex;
};

/// A Dockerfile turned into work: the graph, which vertex holds the target's root, and the
/// configuration to be.
struct Plan {
    Graph graph;
    VertexId root = no_vertex;
    std::size_t context_step =
        no_vertex;            // the step that loads the build context, if any vertex needs it
    oci::ImageConfig config;  // history and diff_ids are the base image's
    std::vector<HistoryItem> history;  // on top of them
    std::vector<Step> steps;
    /// Steps that mean the same work: what happens to the first happens to the second.
    std::vector<std::pair<std::size_t, std::size_t>> aliases;
    std::vector<Warning> warnings;
    std::string base_image;  // the target's, "" for scratch
};

/// Compiles what the target needs; other stages are not looked at, nor are their images. Errors
/// show the place.
Result<Plan> compile(const Dockerfile& file, const Source& source, const CompileOptions& options);

}  // namespace berth::build::dockerfile
