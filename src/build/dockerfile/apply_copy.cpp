// COPY and ADD.
#include <algorithm>

#include "build/dockerfile/compile_internal.h"
#include "build/git.h"

namespace berth::build::dockerfile {
namespace {

bool is_http(std::string_view source) {
    return source.starts_with("http://") || source.starts_with("https://");
}

// The last part of the URL's path.
std::string file_name_of(std::string_view url) {
    url = url.substr(0, url.find_first_of("?#"));
    const auto path = url.find('/', url.find("//") + 2);
    if (path == std::string_view::npos) return {};
    return std::string(url.substr(url.rfind('/') + 1));
}

// Like resolve_path, but keeps what says "directory" at the end, and the "/./" that --parents looks
// at.
std::string source_path(std::string_view text, bool keep_pivot) {
    if (keep_pivot) {
        const auto pivot = text.find("/./");
        if (pivot != std::string_view::npos) {
            const std::string before = resolve_path("/", text.substr(0, pivot));
            return concat(before == "/" ? "" : before, "/.",
                          resolve_path("/", text.substr(pivot + 3)));
        }
    }
    return resolve_path("/", text);
}

bool names_directory(std::string_view path) {
    return path.empty() || path.ends_with('/') || path == "." || path == ".." ||
           path.ends_with("/.") || path.ends_with("/..");
}

}  // namespace

Result<> Compiler::apply_copy(std::size_t stage_index, const Instruction& instruction,
                              const Copy& copy, StageState& state) {
    Vertex vertex{.op = {},
                  .inputs = {state.root},
                  .step = add_step(stage_index, instruction, false),
                  .ignore_cache = ignores_cache(stage_index)};
    const std::string written = TRY(expand(instruction, state, copy.destination));
    std::string destination = resolve_path(state.image.config.working_dir, written);
    if (names_directory(written) && destination != "/") destination += '/';
    if (copy.sources.size() + copy.heredocs.size() > 1 && !destination.ends_with('/') &&
        !copy.parents)
        return source_.error(instruction.place,
                             concat("when using ", instruction.keyword,
                                    " with more than one source file, the destination must be a "
                                    "directory and end with a /"));
    FileOp op;
    TRY(add_copy_sources(stage_index, instruction, copy, destination, state, vertex, op));
    TRY(add_heredocs(instruction, copy, destination, state, op));
    std::vector<std::string> shown = copy.sources;
    for (const auto& heredoc : copy.heredocs) shown.push_back("<<" + heredoc.name);
    std::string flags;
    if (!copy.chown.empty()) flags += concat("--chown=", copy.chown, " ");
    if (!copy.chmod.empty()) flags += concat("--chmod=", copy.chmod, " ");
    const std::string created_by =
        concat(instruction.keyword, " ", flags, join(shown, " "), " ", written, " # buildkit");
    vertex.op = std::move(op);
    state.root = add_vertex(std::move(vertex));
    add_history(state, created_by, state.root);
    return {};
}

Result<> Compiler::add_copy_sources(std::size_t stage_index, const Instruction& instruction,
                                    const Copy& copy, const std::string& destination,
                                    StageState& state, Vertex& vertex, FileOp& op) {
    CopyAction action{.input = 1,
                      .sources = {},
                      .destination = destination,
                      .chown = {},
                      .chmod = {},
                      .excludes = {},
                      .parents = copy.parents,
                      .unpack = copy.is_add && copy.unpack.value_or(true)};
    action.chown = TRY(expand(instruction, state, copy.chown));
    action.chmod = TRY(expand(instruction, state, copy.chmod));
    for (const auto& exclude : copy.excludes)
        action.excludes.push_back(TRY(expand(instruction, state, exclude)));
    const std::string checksum = TRY(expand(instruction, state, copy.checksum));
    for (const auto& raw : copy.sources) {
        const std::string source = TRY(expand(instruction, state, raw));
        // "github.com/..." alone is a path of the context here.
        if (copy.is_add && is_git_url(source) && !source.starts_with("github.com/")) {
            if (const auto url = parse_git_url(source); url.is_error())
                return source_.error(instruction.place, url.error().message());
            CopyAction cloned = action;
            cloned.sources = {"/"};
            cloned.unpack = false;
            cloned.input = vertex.inputs.size();
            vertex.inputs.push_back(
                add_vertex({.op = GitSource{source, checksum, copy.keep_git_dir},
                            .inputs = {},
                            .step = vertex.step}));
            op.actions.push_back(std::move(cloned));
            continue;
        }
        if (!copy.is_add || !is_http(source)) {
            if (!checksum.empty())
                return source_.error(
                    instruction.place,
                    concat("--checksum is for files from the network, not for ", source));
            action.sources.push_back(source_path(source, copy.parents));
            continue;
        }
        if (!checksum.empty() && copy.sources.size() > 1)
            return source_.error(instruction.place,
                                 "--checksum can't be specified for multiple sources");
        const std::string name = file_name_of(source);
        if (name.empty() && destination.ends_with('/'))
            return source_.error(instruction.place,
                                 concat("cannot determine filename for source ", source));
        CopyAction fetched = action;
        fetched.sources = {"/" + (name.empty() ? std::string("download") : name)};
        fetched.unpack = copy.unpack.value_or(false);
        fetched.input = vertex.inputs.size();
        if (fetched.chmod.empty()) fetched.chmod = "0600";
        vertex.inputs.push_back(
            add_vertex({.op = HttpSource{source, checksum, name.empty() ? "download" : name},
                        .inputs = {},
                        .step = vertex.step}));
        op.actions.push_back(std::move(fetched));
    }
    if (action.sources.empty()) return {};
    action.input = vertex.inputs.size();
    VertexId input = no_vertex;
    const std::string from = TRY(expand(instruction, state, copy.from));
    if (from.empty()) {
        input = context_vertex();
    } else {
        input = TRY(resolve_from(from, stage_index, instruction));
    }
    vertex.inputs.push_back(input);
    op.actions.push_back(std::move(action));
    return {};
}

Result<> Compiler::add_heredocs(const Instruction& instruction, const Copy& copy,
                                const std::string& destination, StageState& state, FileOp& op) {
    const std::string chown = TRY(expand(instruction, state, copy.chown));
    const std::string chmod = TRY(expand(instruction, state, copy.chmod));
    for (const auto& heredoc : copy.heredocs) {
        std::string content = heredoc.content;
        if (heredoc.expand) {
            Expander expander = expander_for(state);
            auto expanded = expander.expand_heredoc(content);
            if (!expanded) return error(instruction, expanded.error());
            content = std::move(*expanded);
        }
        op.actions.push_back(MakeFileAction{
            .path = destination.ends_with('/') ? destination + heredoc.name : destination,
            .content = std::move(content),
            .chmod = chmod.empty() ? "0644" : chmod,
            .chown = chown});
    }
    return {};
}

}  // namespace berth::build::dockerfile
