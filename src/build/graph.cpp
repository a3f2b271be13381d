#include "build/graph.h"

#include <algorithm>

#include "codec/json.h"

namespace berth::build {
namespace {
using codec::Json;

// Members that have their default are left out, so that a new member later changes no key of today.
void put(Json& out, const char* key, const std::string& value) {
    if (!value.empty()) out[key] = value;
}
void put(Json& out, const char* key, const std::vector<std::string>& value) {
    if (!value.empty()) out[key] = value;
}
void put(Json& out, const char* key, bool value) {
    if (value) out[key] = true;
}

std::string_view name_of(ExecMountKind kind) {
    switch (kind) {
        case ExecMountKind::Bind: return "bind";
        case ExecMountKind::Cache: return "cache";
        case ExecMountKind::Tmpfs: return "tmpfs";
        case ExecMountKind::Secret: return "secret";
        case ExecMountKind::Ssh: return "ssh";
    }
    return "";
}

// How a cache is shared and what a secret holds does not change what a command means.
Json describe_mount(const ExecMount& mount) {
    Json out;
    out["kind"] = std::string(name_of(mount.kind));
    put(out, "target", mount.target);
    if (mount.input) out["input"] = mount.input;
    put(out, "source", mount.source);
    put(out, "read_only", mount.read_only);
    put(out, "id", mount.id);
    put(out, "env", mount.env);
    return out;
}

Json describe_op(const ScratchSource&) { return {{"op", "scratch"}}; }
Json describe_op(const ImageSource& op) {
    return {{"op", "image"},
            {"manifest", op.manifest.to_string()},
            {"platform", op.platform.to_string()}};
}
Json describe_op(const ContextSource& op) { return {{"op", "context"}, {"name", op.name}}; }
Json describe_op(const HttpSource& op) {
    Json out{{"op", "http"}, {"url", op.url}, {"file_name", op.file_name}};
    put(out, "checksum", op.checksum);
    return out;
}
Json describe_op(const GitSource& op) {
    Json out{{"op", "git"}, {"url", op.url}};
    put(out, "checksum", op.checksum);
    put(out, "keep_git_dir", op.keep_git_dir);
    return out;
}
Json describe_op(const ExecOp& op) {
    Json out{{"op", "exec"}, {"args", op.args}};
    put(out, "env", op.env);
    put(out, "working_dir", op.working_dir);
    put(out, "user", op.user);
    if (op.network == ExecNetwork::None) out["network"] = "none";
    if (op.network == ExecNetwork::Host) out["network"] = "host";
    put(out, "insecure", op.insecure);
    for (const auto& mount : op.mounts) out["mounts"].push_back(describe_mount(mount));
    put(out, "script_path", op.script_path);
    put(out, "script", op.script);
    return out;
}

Json describe_action(const CopyAction& action) {
    Json out{
        {"copy", action.sources}, {"destination", action.destination}, {"input", action.input}};
    put(out, "chown", action.chown);
    put(out, "chmod", action.chmod);
    put(out, "excludes", action.excludes);
    put(out, "parents", action.parents);
    put(out, "unpack", action.unpack);
    return out;
}
Json describe_action(const MakeDirectoryAction& action) {
    Json out{{"mkdir", action.path}, {"mode", action.mode}};
    put(out, "chown", action.chown);
    return out;
}
Json describe_action(const MakeFileAction& action) {
    Json out{{"mkfile", action.path}, {"content", action.content}, {"chmod", action.chmod}};
    put(out, "chown", action.chown);
    return out;
}
Json describe_op(const FileOp& op) {
    Json out{{"op", "file"}};
    for (const auto& action : op.actions)
        out["actions"].push_back(
            std::visit([](const auto& each) { return describe_action(each); }, action));
    return out;
}

}  // namespace

std::string definition_of(const Op& op) {
    return codec::dump_json(std::visit([](const auto& each) { return describe_op(each); }, op));
}

VertexId Graph::add(Vertex vertex) {
    std::string definition = definition_of(vertex.op);
    if (vertex.ignore_cache) definition += "!";
    for (const VertexId input : vertex.inputs) definition += concat(" #", input);
    const auto found = std::ranges::find(definitions_, definition);
    if (found != definitions_.end()) return static_cast<VertexId>(found - definitions_.begin());
    vertices_.push_back(std::move(vertex));
    definitions_.push_back(std::move(definition));
    return vertices_.size() - 1;
}

void Graph::renumber_steps(const std::vector<std::size_t>& position) {
    for (auto& vertex : vertices_)
        if (vertex.step < position.size()) vertex.step = position[vertex.step];
}

std::string Graph::describe() const {
    std::string out;
    for (std::size_t i = 0; i < definitions_.size(); ++i)
        out += concat("#", i, " = ", definitions_[i], "\n");
    return out;
}

}  // namespace berth::build
