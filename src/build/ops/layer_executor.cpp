#include "build/ops/layer_executor.h"

#include "build/context.h"
#include "build/files/copy.h"
#include "build/memory_tree.h"
#include "build/ops/local_tree.h"
#include "oci/media_type.h"
#include "snapshot/capture.h"
#include "sys/file.h"

namespace berth::build {
namespace {

std::vector<oci::Digest> diff_ids(const std::vector<image::Layer>& layers) {
    std::vector<oci::Digest> out;
    for (const auto& layer : layers) out.push_back(layer.diff_id);
    return out;
}

}  // namespace

Result<Tree> LayerExecutor::load(const Vertex& source, std::stop_token) {
    Tree tree;
    if (const auto* image = std::get_if<ImageSource>(&source.op)) {
        const auto found = surroundings_.images.find(image->manifest.to_string());
        if (found == surroundings_.images.end())
            return fail(ErrorCode::NotFound, "No such image: ", image->reference);
        tree.layers = found->second.layers;
    } else if (std::holds_alternative<ContextSource>(source.op)) {
        tree.local = surroundings_.context;
    } else if (const auto* http = std::get_if<HttpSource>(&source.op)) {
        tree.local =
            std::make_shared<DownloadTree>(*http, surroundings_.transfers, surroundings_.temp_root);
    } else if (const auto* git = std::get_if<GitSource>(&source.op)) {
        GitOptions options = git_options_of(surroundings_.request);
        options.keep_git_dir = git->keep_git_dir;
        options.commit = git->checksum;
        tree.local = std::make_shared<GitTree>(TRY(parse_git_url(git->url)), std::move(options),
                                               surroundings_.temp_root);
    }
    return tree;
}

Result<std::string> LayerExecutor::digest(const Tree& tree, const Selection& selection,
                                          std::stop_token stop) {
    if (tree.local) {
        if (const auto known = tree.local->known_digest()) return *known;
        const auto directory = TRY(tree.local->open(stop));
        auto digest = digest_selection(directory, selection, stop);
        if (digest.is_error())
            return explain_missing(std::move(digest).error(), tree, selection.sources);
        return digest;
    }
    const auto root =
        TRY(surroundings_.services.snapshots.mount_root({.layers = diff_ids(tree.layers)}));
    return digest_selection(root.fd(), selection, stop);
}

Error LayerExecutor::explain_missing(Error error, const Tree& input,
                                     const std::vector<std::string>& sources) const {
    if (!error.is(ErrorCode::NotFound) || input.local != surroundings_.context) return error;
    for (const auto& source : sources) {
        const std::string_view path =
            std::string_view(source).substr(source.starts_with('/') ? 1 : 0);
        if (surroundings_.ignored.excludes(path))
            return std::move(error).with_hint(
                concat("\"", path, "\" is left out by .dockerignore"));
    }
    return error;
}

Result<Tree> LayerExecutor::execute(const Vertex& vertex, const std::vector<Tree>& inputs,
                                    std::stop_token stop) {
    if (const auto* file = std::get_if<FileOp>(&vertex.op))
        return execute_files(*file, inputs, stop);
    const auto root = TRY(make_root(inputs[0].layers));
    surroundings_.slots.acquire();
    const auto outcome = run(vertex, std::get<ExecOp>(vertex.op), inputs, root, stop);
    surroundings_.slots.release();
    if (outcome.is_error()) return outcome.error().clone();
    return capture(root, inputs[0], false, stop);
}

// In memory if what is written fits there, else once more on disk.
Result<Tree> LayerExecutor::execute_files(const FileOp& op, const std::vector<Tree>& inputs,
                                          std::stop_token stop) {
    const auto memory = make_root_in_memory(inputs[0].layers);
    if (memory) {
        auto outcome = change_files(op, inputs, *memory, stop);
        if (outcome) return capture(*memory, inputs[0], op.skip_empty_layer, stop);
        if (!outcome.error().is(ErrorCode::NoSpace)) return std::move(outcome).error();
    }
    const auto root = TRY(make_root(inputs[0].layers));
    TRY(change_files(op, inputs, root, stop));
    return capture(root, inputs[0], op.skip_empty_layer, stop);
}

Result<LayerExecutor::WorkRoot> LayerExecutor::make_root(const std::vector<image::Layer>& layers) {
    auto directory = TRY(sys::TempDir::create(surroundings_.temp_root));
    // Programs of any user must reach what is mounted from below it.
    TRY(sys::chmod_at(AT_FDCWD, directory.path(), 0711));
    auto root = TRY(make_root_in(directory.path(), layers));
    root.directory = std::move(directory);
    return root;
}

Result<LayerExecutor::WorkRoot> LayerExecutor::make_root_in_memory(
    const std::vector<image::Layer>& layers) {
    auto memory = make_memory_tree();
    if (!memory) return fail(ErrorCode::Unsupported, "no trees in memory");
    auto root = TRY(make_root_in(concat("/proc/self/fd/", memory->fd().get()), layers));
    root.memory = std::move(*memory);
    return root;
}

Result<LayerExecutor::WorkRoot> LayerExecutor::make_root_in(
    const std::string& directory, const std::vector<image::Layer>& layers) {
    auto& driver = surroundings_.services.snapshots;
    auto writable = TRY(driver.create_writable(directory, diff_ids(layers)));
    auto mount = TRY(
        driver.mount_root({.layers = diff_ids(layers), .writable = writable, .is_volatile = true}));
    return WorkRoot{
        .memory = {}, .directory = {}, .writable = std::move(writable), .mount = std::move(mount)};
}

Result<Tree> LayerExecutor::capture(const WorkRoot& root, const Tree& base, bool skip_empty,
                                    std::stop_token stop) {
    Tree tree = base;
    tree.added.reset();
    tree.created.reset();
    const auto upper = TRY(sys::open(root.writable.upper, O_RDONLY | O_DIRECTORY));
    if (skip_empty) {
        const auto entries = TRY(sys::list_dir(upper));
        if (entries.empty()) return tree;
    }
    auto captured = TRY(snapshot::capture_layer(surroundings_.services.snapshots,
                                                surroundings_.services.content, upper,
                                                codec::Compression::Gzip, stop));
    image::Layer layer;
    layer.diff_id = captured.layer.diff_id;
    layer.blob.media_type =
        std::string(surroundings_.request.oci_media_types ? oci::media_type::oci_layer_gzip
                                                          : oci::media_type::docker_layer_gzip);
    layer.blob.digest = captured.blob.digest;
    layer.blob.size = static_cast<std::int64_t>(captured.blob.bytes);
    surroundings_.made_layer(layer);
    tree.layers.push_back(layer);
    tree.added = std::move(layer);
    return tree;
}

Result<> LayerExecutor::change_files(const FileOp& op, const std::vector<Tree>& inputs,
                                     const WorkRoot& root, std::stop_token stop) {
    const sys::BorrowedFd fd = root.mount.fd();
    for (const auto& action : op.actions) {
        if (const auto* copy_action = std::get_if<CopyAction>(&action)) {
            TRY(copy(*copy_action, inputs[copy_action->input], fd, stop));
        } else if (const auto* directory = std::get_if<MakeDirectoryAction>(&action)) {
            const auto owner = TRY(resolve_owner(fd, directory->chown));
            TRY(make_directories(fd, directory->path, directory->mode, owner));
        } else {
            const auto& file = std::get<MakeFileAction>(action);
            const auto owner = TRY(resolve_owner(fd, file.chown));
            const auto mode = TRY(ModeChange::parse(file.chmod));
            TRY(make_file(fd, file.path, file.content, mode, owner ? owner : Owner{}));
        }
    }
    return {};
}

Result<> LayerExecutor::copy(const CopyAction& action, const Tree& input, sys::BorrowedFd root,
                             std::stop_token stop) {
    CopyOptions options;
    options.owner = TRY(resolve_owner(root, action.chown));
    options.mode = TRY(ModeChange::parse(action.chmod));
    options.unpack = action.unpack;
    const Selection selection{
        .sources = action.sources, .excludes = action.excludes, .parents = action.parents};
    if (input.local) {
        const auto directory = TRY(input.local->open(stop));
        // What a client sends has its owners; in the image it is root's, as without --chown
        // everything is.
        if (!options.owner) options.owner = Owner{};
        return copy_selection(directory, selection, root, action.destination, options, stop);
    }
    const auto mounted =
        TRY(surroundings_.services.snapshots.mount_root({.layers = diff_ids(input.layers)}));
    return copy_selection(mounted.fd(), selection, root, action.destination, options, stop);
}

}  // namespace berth::build
