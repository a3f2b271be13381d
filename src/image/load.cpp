// Reading archives of `docker save`, `podman save` and OCI tools. Entries may come in any order,
// and the documents that say which file is what are often the last: what looks like a layer is
// unpacked while the archive is read on, everything else goes to the content store (named by what
// it holds, whatever its path claims), and then the documents are followed.
#include <deque>
#include <map>

#include "codec/compression.h"
#include "codec/json.h"
#include "codec/tar.h"
#include "image/implementation_internal.h"
#include "image/layer_intake_internal.h"
#include "layer/foreign.h"

namespace berth::image {

using codec::Json;

namespace {

constexpr std::size_t max_document_bytes = 4 << 20;
constexpr std::size_t max_archive_entries = 100'000;
constexpr std::size_t max_layers_in_work = 2;
constexpr std::string_view blob_folder = "blobs/sha256/";

std::string clean(std::string path) {
    while (path.starts_with("./")) path.erase(0, 2);
    while (path.starts_with('/')) path.erase(0, 1);
    return path;
}

/// Where a link in the archive leads: relative to its own folder, with "." and ".." folded.
std::string link_path(const std::string& from, const std::string& target) {
    std::vector<std::string> parts = split(from, '/');
    parts.pop_back();
    for (auto& part : split(target, '/')) {
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else if (part != "." && !part.empty()) {
            parts.push_back(std::move(part));
        }
    }
    return join(parts, "/");
}

class Loader {
public:
    Loader(Store& store, Store::Implementation& implementation, const ProgressSink& progress,
           std::stop_token stop)
        : store_(store),
          implementation_(implementation),
          content_(implementation.services_.content),
          progress_(progress),
          stop_(std::move(stop)),
          lease_(content_.lease()) {}

    Result<LoadResult> load(codec::ByteSource& source,
                            const std::optional<oci::Platform>& platform) {
        auto plain = TRY(layer::open_any_decompressor(source));
        TRY(read_archive(*plain, !platform));
        if (documents_.contains("index.json")) {
            TRY(load_layout(platform));
        } else if (documents_.contains("manifest.json")) {
            TRY(load_docker(platform));
        } else {
            return Error(ErrorCode::InvalidArgument,
                         "the archive holds neither manifest.json nor index.json: it is no image "
                         "archive")
                .with_hint("a plain file tree becomes an image with `berth import`");
        }
        return std::move(result_);
    }

private:
    static Error no_image_for(const std::optional<oci::Platform>& platform) {
        if (!platform)
            return fail(
                ErrorCode::InvalidArgument,
                "the archive's index.json names an image whose content is not in the archive");
        return fail(ErrorCode::NotFound, "the archive holds no image for ", platform->to_string())
            .with_hint(
                "`tar -xOf ARCHIVE index.json` shows what it names; without --platform all of it "
                "is loaded");
    }

    /// What the archive has under a path: a blob that is kept, or a layer being taken in.
    struct File {
        std::optional<oci::Digest> blob;
        std::shared_ptr<LayerIntake> layer;
    };

    Result<> read_archive(codec::ByteSource& plain, bool unpack_all) {
        codec::TarReader tar(plain, {.entries = max_archive_entries});
        for (;;) {
            if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            const auto entry = TRY(tar.next());
            if (!entry) break;
            const std::string path = clean(entry->path);
            if (entry->type == codec::TarType::Symlink)
                links_[path] = link_path(path, entry->link_target);
            if (entry->type == codec::TarType::HardLink) links_[path] = clean(entry->link_target);
            if (entry->type == codec::TarType::File)
                TRY(take_file(path, entry->bytes, tar, unpack_all).context("archive entry ", path));
        }
        // From here on every blob is where its digest says.
        for (const auto& [path, file] : files_) {
            if (file.layer && is_blob_path(path))
                TRY(file.layer->wait().context("archive entry ", path));
        }
        return {};
    }

    static bool is_blob_path(const std::string& path) { return path.starts_with(blob_folder); }

    Result<> take_file(const std::string& path, std::uint64_t bytes, codec::TarReader& tar,
                       bool unpack_all) {
        if (path == "manifest.json" || path == "index.json" || path == "oci-layout" ||
            path == "repositories") {
            if (bytes > max_document_bytes)
                return fail(ErrorCode::InvalidArgument, "it is too large");
            return copy_content(tar, [&](auto piece) -> Result<> {
                documents_[path].append(as_text(piece));
                return {};
            });
        }
        std::string head;
        while (head.size() < LayerIntake::head_bytes) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            head.append(as_text(piece));
        }
        const auto rest = [&](const auto& take) -> Result<> {
            TRY(take(std::as_bytes(std::span(head))));
            return copy_content(tar, take);
        };
        content::Expectation expected;
        if (is_blob_path(path)) {
            auto digest = oci::Digest::parse(concat("sha256:", path.substr(blob_folder.size())));
            if (digest) expected.digest = *digest;
        }
        if (LayerIntake::looks_like_layer(head) && (unpack_all || !is_blob_path(path))) {
            auto layer = intake_of(path, head, expected);
            files_[path] = {.blob = std::nullopt, .layer = layer};
            TRY(wait_for_room(layer));
            TRY(rest([&](std::span<const std::byte> piece) { return layer->write(piece); }));
            layer->close();
            return {};
        }
        auto writer = TRY(content_.create_ingest());
        TRY(rest([&](std::span<const std::byte> piece) { return writer.write(piece); }));
        files_[path] = {.blob = TRY(std::move(writer).commit(expected)).digest, .layer = nullptr};
        return {};
    }

    std::shared_ptr<LayerIntake> intake_of(const std::string& path, const std::string& head,
                                           const content::Expectation& expected) {
        // What a layer gives again need not be kept.
        const bool can_give = implementation_.services_.snapshots.can_keep_archives();
        if (can_give && (!is_blob_path(path) || LayerIntake::looks_like_tar(head)))
            return LayerIntake::archive(implementation_, expected.digest, stop_);
        return is_blob_path(path) ? LayerIntake::as_it_came(implementation_, expected, stop_)
                                  : LayerIntake::compressed(store_, stop_);
    }

    template <typename Take>
    static Result<> copy_content(codec::TarReader& tar, const Take& take) {
        for (;;) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) return {};
            TRY(take(piece));
        }
    }

    /// A few layers are worked at while the next one is read; more would only cost memory.
    Result<> wait_for_room(const std::shared_ptr<LayerIntake>& layer) {
        in_work_.push_back(layer);
        if (in_work_.size() <= max_layers_in_work) return {};
        // Its own failure is said when the documents ask for it.
        in_work_.front()->finish();
        in_work_.pop_front();
        return {};
    }

    Result<File> file_at(std::string path) const {
        path = clean(std::move(path));
        for (int hops = 0; hops < 8; ++hops) {
            const auto found = files_.find(path);
            if (found != files_.end()) return found->second;
            const auto link = links_.find(path);
            if (link == links_.end()) break;
            path = link->second;
        }
        return fail(ErrorCode::InvalidArgument, "the archive's manifest names ", path,
                    ", which is not in the archive");
    }

    Result<oci::Digest> blob_at(const std::string& path) const {
        const File file = TRY(file_at(path));
        if (file.blob) return *file.blob;
        const Layer layer = TRY(file.layer->wait());
        return layer.blob.digest;
    }

    Result<> load_docker(const std::optional<oci::Platform>& platform) {
        const Json manifest =
            TRY(codec::parse_json(documents_["manifest.json"]).context("manifest.json"));
        if (!manifest.is_array())
            return fail(ErrorCode::InvalidArgument, "manifest.json is not a list");
        bool is_any_for_platform = false;
        for (const auto& entry : manifest) {
            NewImage image;
            image.may_have_archives = true;
            const auto config_digest = TRY(blob_at(TRY(codec::require_string(entry, "Config"))));
            image.config_json = TRY(content_.read(config_digest, oci::max_image_config_bytes));
            const auto config = TRY(oci::parse_image_config(image.config_json));
            if (platform && !oci::is_same(*platform, config.platform)) continue;
            is_any_for_platform = true;
            const auto paths = codec::get_strings(entry, "Layers");
            if (paths.size() != config.diff_ids.size()) {
                return fail(ErrorCode::InvalidArgument, "manifest.json names ", paths.size(),
                            " layers, the configuration ", config.diff_ids.size());
            }
            for (std::size_t i = 0; i < paths.size(); ++i)
                image.layers.push_back(TRY(layer_at(paths[i], config.diff_ids[i])));
            image.references = codec::get_strings(entry, "RepoTags");
            for (const auto& name : image.references)
                TRY(oci::Reference::parse(name).context("manifest.json, RepoTags"));
            const Image made = TRY(store_.commit(std::move(image)));
            TRY(implementation_.note_loaded(made.layers));
            TRY(announce(made.id, codec::get_strings(entry, "RepoTags")));
        }
        if (platform && !is_any_for_platform) return no_image_for(platform);
        return {};
    }

    /// A layer of a docker-archive: a tar, usually uncompressed.
    Result<Layer> layer_at(const std::string& path, const oci::Digest& diff_id) {
        const File file = TRY(file_at(path));
        const bool is_unpacked = file.layer && file.layer->is_unpacked();
        const Layer layer = TRY(is_unpacked ? file.layer->wait() : unpack(TRY(blob_at(path))));
        lease_.note(layer.diff_id);
        if (layer.diff_id != diff_id) {
            return fail(ErrorCode::Corrupted, "layer ", path, " unpacks to ", layer.diff_id,
                        ", but the configuration promises ", diff_id);
        }
        return layer;
    }

    Result<Layer> unpack(const oci::Digest& blob) {
        auto reader = TRY(content_.open_blob(blob));
        return store_.add_layer(reader, stop_);
    }

    Result<> load_layout(const std::optional<oci::Platform>& platform) {
        const auto index = TRY(oci::parse_index(documents_["index.json"]).context("index.json"));
        std::map<oci::Digest, std::vector<std::string>> docker_tags =
            TRY(tags_of_docker_manifest());
        for (const auto& target : index.manifests) {
            if (!content_.has(target.digest))
                return fail(ErrorCode::InvalidArgument, "the archive lacks ", target.digest,
                            ", which its index.json names");
            const Target read = TRY(implementation_.read_target(target));
            int unpacked = 0;
            std::vector<std::string> names;
            for (const auto& manifest : read.manifests) {
                if (!content_.has(manifest.digest)) continue;
                if (manifest.platform && manifest.platform->os == "unknown") continue;
                if (platform &&
                    implementation_.fit_of(target, manifest, *platform, Fit::Exact) == 0)
                    continue;
                auto image = TRY(implementation_.open_manifest(target, manifest));
                const auto tags = docker_tags.find(image.config_digest);
                if (tags != docker_tags.end()) names = tags->second;
                TRY(unpack_layers(image));
                TRY(implementation_.note_loaded(image.layers));
                ++unpacked;
            }
            if (unpacked == 0) return no_image_for(platform);
            if (const std::string name = name_of(target); !name.empty()) names = {name};
            for (const auto& name : names)
                TRY(oci::Reference::parse(name).context("index.json, name of ", target.digest));
            {
                const std::lock_guard lock(implementation_.names_mutex_);
                TRY(implementation_.save_image(target, ""));
                for (const auto& name : names) {
                    TRY(implementation_.save_name(
                        TRY(oci::Reference::parse(name)).with_default_tag(), target.digest));
                }
            }
            TRY(announce(target.digest, names));
        }
        return {};
    }

    /// Docker's own list, for archives whose index.json carries no names: configuration digest ->
    /// tags.
    Result<std::map<oci::Digest, std::vector<std::string>>> tags_of_docker_manifest() {
        std::map<oci::Digest, std::vector<std::string>> out;
        const auto found = documents_.find("manifest.json");
        if (found == documents_.end()) return out;
        const Json manifest = TRY(codec::parse_json(found->second).context("manifest.json"));
        if (!manifest.is_array()) return out;
        for (const auto& entry : manifest) {
            auto config = blob_at(codec::get_string(entry, "Config"));
            if (config) out[*config] = codec::get_strings(entry, "RepoTags");
        }
        return out;
    }

    static std::string name_of(const oci::Descriptor& target) {
        const std::string full = target.annotation("io.containerd.image.name");
        if (!full.empty()) return full;
        const std::string name = target.annotation("org.opencontainers.image.ref.name");
        // A bare tag names nothing without its repository.
        return name.find('/') != std::string::npos || name.find(':') != std::string::npos
                   ? name
                   : std::string();
    }

    Result<> unpack_layers(const Image& image) {
        auto& snapshots = implementation_.services_.snapshots;
        for (const auto& layer : image.layers) {
            if (!lease_.protect(layer.blob.digest) &&
                !TRY(implementation_.is_dropped(layer.blob.digest)))
                return fail(ErrorCode::InvalidArgument, "the archive lacks layer ",
                            layer.blob.digest, ", which its manifest names");
            lease_.note(layer.diff_id);
            if (snapshots.has(layer.diff_id)) continue;
            progress_({.id = layer.blob.digest.short_hex(), .status = "Loading layer"});
            auto reader = TRY(implementation_.open_blob(layer.blob, {}, stop_));
            const bool is_archive = layer.blob.digest == layer.diff_id;
            TRY(snapshots
                    .apply(reader, {.diff_id = layer.diff_id, .keeps_archive = is_archive}, stop_)
                    .context("layer ", layer.blob.digest.short_hex()));
        }
        return {};
    }

    Result<> announce(const oci::Digest& id, const std::vector<std::string>& names) {
        for (const auto& name : names) {
            const std::string familiar =
                TRY(oci::Reference::parse(name)).with_default_tag().familiar();
            progress_({.stream = concat("Loaded image: ", familiar, "\n")});
            result_.loaded.push_back({id, familiar});
            implementation_.emit("load", id.to_string(), familiar);
        }
        if (names.empty()) {
            progress_({.stream = concat("Loaded image ID: ", id, "\n")});
            result_.loaded.push_back({id, ""});
            implementation_.emit("load", id.to_string(), id.to_string());
        }
        return {};
    }

    Store& store_;
    Store::Implementation& implementation_;
    content::Store& content_;
    const ProgressSink& progress_;
    std::stop_token stop_;
    content::Lease lease_;
    std::map<std::string, std::string> documents_;
    std::map<std::string, File> files_;
    std::deque<std::shared_ptr<LayerIntake>> in_work_;
    std::map<std::string, std::string> links_;
    LoadResult result_;
};

}  // namespace

Result<LoadResult> Store::load(codec::ByteSource& source,
                               const std::optional<oci::Platform>& platform,
                               const ProgressSink& progress, std::stop_token stop) {
    auto outcome = Loader(*this, *implementation_, progress, stop).load(source, platform);
    // The archive's files that no image names: layers kept in another compression, documents, all
    // of a refused archive.
    auto collected = implementation_->collect(stop);
    if (outcome && collected.is_error()) return std::move(collected).error();
    return outcome;
}

}  // namespace berth::image
