#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "build/files/select.h"
#include "build/graph.h"
#include "image/image.h"
#include "sys/fd.h"

namespace berth::build {

/// Files of this build that are no layer: the context, a download.
class LocalTree {
public:
    virtual ~LocalTree() = default;
    /// The directory, fetched now if it was not yet. The descriptor is for reading.
    virtual Result<sys::Fd> open(std::stop_token stop) = 0;
    /// What the content is, where that is known without having it.
    virtual std::optional<std::string> known_digest() const { return std::nullopt; }
};

/// What a vertex gave.
struct Tree {
    std::vector<image::Layer> layers;   // bottom first
    std::shared_ptr<LocalTree> local;   // instead of layers
    std::optional<image::Layer> added;  // the last of `layers`, when this vertex made it
    std::optional<Timestamp> created;   // of what this vertex made

    /// Names the content: equal layers, equal identity. Not for local trees.
    std::string identity() const;
};

/// Does what the solver decides. Thread-safe.
class Executor {
public:
    virtual ~Executor() = default;
    /// A source: no inputs, no cache.
    virtual Result<Tree> load(const Vertex& source, std::stop_token stop) = 0;
    /// What decides whether the selected files are others, as a text.
    virtual Result<std::string> digest(const Tree& tree, const Selection& selection,
                                       std::stop_token stop) = 0;
    /// Runs an exec or file vertex; input 0 is the root. The result's layers are the root's and
    /// what was added.
    virtual Result<Tree> execute(const Vertex& vertex, const std::vector<Tree>& inputs,
                                 std::stop_token stop) = 0;
};

}  // namespace berth::build
