#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "oci/digest.h"
#include "oci/platform.h"

// What a build consists of, as plain values: sources, commands and file operations, joined to a
// graph. The front end makes it, the solver runs it; neither knows the other. The vocabulary is
// that of BuildKit's LLB.
namespace berth::build {

using VertexId = std::size_t;
inline constexpr VertexId no_vertex = static_cast<VertexId>(-1);

/// The layers of an image that is on this machine.
struct ImageSource {
    std::string reference;  // for messages
    oci::Platform platform;
    oci::Digest manifest;
};
/// A tree of files that the client sent. "" is the build context.
struct ContextSource {
    std::string name;
};
/// One file from the network.
struct HttpSource {
    std::string url;
    std::string checksum;  // "sha256:..." or ""
    std::string file_name;
};
/// The files of a git repository at one commit.
struct GitSource {
    std::string url;       // with reference and folder
    std::string checksum;  // the commit that must come out, or ""
    bool keep_git_dir = false;
};
/// An empty root.
struct ScratchSource {};

enum class ExecMountKind { Bind, Cache, Tmpfs, Secret, Ssh };
enum class CacheSharing { Shared, Private, Locked };

struct ExecMount {
    ExecMountKind kind = ExecMountKind::Bind;
    std::string target;
    /// Index among the vertex's inputs: what is bound, or what a cache starts from. 0, the root,
    /// means nothing.
    std::size_t input = 0;
    std::string source;  // path in the input
    bool read_only = false;
    std::string id;  // of Cache, Secret and Ssh
    CacheSharing sharing = CacheSharing::Shared;
    std::uint32_t uid = 0, gid = 0, mode = 0;
    std::int64_t size_bytes = 0;
    std::string env;  // Secret: goes into this variable; with an empty target only there
    bool required = false;
};

enum class ExecNetwork { Default, None, Host };

/// Runs a command on input 0 as its root.
struct ExecOp {
    std::vector<std::string> args;
    std::vector<std::string> env;          // "NAME=value"; part of the cache key
    std::vector<std::string> ignored_env;  // proxies: not part of it
    std::string working_dir = "/";
    std::string user;
    ExecNetwork network = ExecNetwork::Default;
    bool insecure = false;
    std::vector<ExecMount> mounts;
    /// A script that is put at this path for the time of the command.
    std::string script_path, script;
};

/// Copies from an input onto the root, as COPY and ADD do: the content of directories, wildcards,
/// merging.
struct CopyAction {
    std::size_t input = 1;
    std::vector<std::string> sources;  // absolute in the input; may hold wildcards
    std::string destination;           // absolute; ends with "/" when it must be a directory
    std::string chown;                 // as written: names are looked up in the root
    std::string chmod;                 // octal or symbolic
    std::vector<std::string> excludes;
    bool parents = false;  // keep the source's directories; "/./" in a source says from where on
    bool unpack = false;   // regular files that are archives are extracted
};
/// Creates a directory with its parents; existing ones are left alone.
struct MakeDirectoryAction {
    std::string path;
    std::uint32_t mode = 0755;
    std::string chown;
};
struct MakeFileAction {
    std::string path;  // ends with the file's name
    std::string content;
    std::string chmod = "0644", chown;
};
using FileAction = std::variant<CopyAction, MakeDirectoryAction, MakeFileAction>;

/// Changes files of input 0 without running anything of it. The actions make one layer together.
struct FileOp {
    std::vector<FileAction> actions;
    bool skip_empty_layer = false;  // no layer at all when nothing changed
};

using Op =
    std::variant<ScratchSource, ImageSource, ContextSource, HttpSource, GitSource, ExecOp, FileOp>;

struct Vertex {
    Op op;
    std::vector<VertexId> inputs;  // of exec and file: 0 is the root
    std::size_t step = 0;          // whom progress and errors name; opaque here
    bool ignore_cache = false;
};

/// Vertices in an order in which inputs come first. Equal ones exist once.
class Graph {
public:
    /// The id of an equal vertex that is there already, or of the new one.
    VertexId add(Vertex vertex);
    const Vertex& at(VertexId id) const { return vertices_[id]; }
    std::size_t size() const { return vertices_.size(); }
    /// Replaces step `i` of every vertex by `position[i]`.
    void renumber_steps(const std::vector<std::size_t>& position);
    /// Readable, stable text: for tests and for `--call`.
    std::string describe() const;

private:
    std::vector<Vertex> vertices_;
    std::vector<std::string> definitions_;  // of the same index
};

/// The operation and everything that decides its result, but not its inputs, as canonical text.
/// Cache keys hash it.
std::string definition_of(const Op& op);

}  // namespace berth::build
