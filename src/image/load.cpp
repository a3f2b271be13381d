// Reading archives of `docker save`, `podman save` and OCI tools. Entries may come in any order, so every file goes to the
// content store first (named by what it holds, whatever its path claims), and only then the documents are followed.
#include <map>

#include "codec/compression.h"
#include "codec/json.h"
#include "codec/tar.h"
#include "image/implementation_internal.h"
#include "layer/foreign.h"

namespace berth::image {

using codec::Json;

namespace {

constexpr std::size_t max_document_bytes = 4 << 20;
constexpr std::size_t max_archive_entries = 100'000;

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
    Loader(Store& store, Store::Implementation& implementation, const ProgressSink& progress, std::stop_token stop)
        : store_(store), implementation_(implementation), content_(implementation.services_.content), progress_(progress),
          stop_(std::move(stop)), lease_(content_.lease()) {}

    Result<LoadResult> load(codec::ByteSource& source, const std::optional<oci::Platform>& platform) {
        auto plain = TRY(layer::open_any_decompressor(source));
        TRY(read_archive(*plain));
        if (documents_.contains("index.json")) {
            TRY(load_layout(platform));
        } else if (documents_.contains("manifest.json")) {
            TRY(load_docker());
        } else {
            return Error(ErrorCode::InvalidArgument, "the archive holds neither manifest.json nor index.json: it is no image archive")
                .with_hint("a plain file tree becomes an image with `berth import`");
        }
        return std::move(result_);
    }

private:
    Result<> read_archive(codec::ByteSource& plain) {
        codec::TarReader tar(plain, {.entries = max_archive_entries});
        for (;;) {
            if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            auto entry = TRY(tar.next());
            if (!entry) return {};
            const std::string path = clean(entry->path);
            if (entry->type == codec::TarType::Symlink) links_[path] = link_path(path, entry->link_target);
            if (entry->type == codec::TarType::HardLink) links_[path] = clean(entry->link_target);
            if (entry->type != codec::TarType::File) continue;
            const bool is_document = path == "manifest.json" || path == "index.json" || path == "oci-layout" || path == "repositories";
            if (is_document && entry->bytes > max_document_bytes) return fail(ErrorCode::InvalidArgument, path, " is too large");
            auto writer = TRY(content_.create_ingest());
            std::string text;
            for (;;) {
                const auto piece = TRY(tar.read_content());
                if (piece.empty()) break;
                if (is_document) {
                    text.append(as_text(piece));
                } else {
                    TRY(writer.write(piece));
                }
            }
            if (is_document) {
                documents_[path] = std::move(text);
                continue;
            }
            content::Expectation expected;
            if (path.starts_with("blobs/sha256/")) {
                auto digest = oci::Digest::parse(concat("sha256:", path.substr(13)));
                if (digest) expected.digest = *digest;
            }
            const auto blob = TRY(std::move(writer).commit(expected).context("archive entry ", path));
            files_[path] = blob.digest;
        }
    }

    Result<oci::Digest> file_at(std::string path) const {
        path = clean(std::move(path));
        for (int hops = 0; hops < 8; ++hops) {
            const auto found = files_.find(path);
            if (found != files_.end()) return found->second;
            const auto link = links_.find(path);
            if (link == links_.end()) break;
            path = link->second;
        }
        return fail(ErrorCode::InvalidArgument, "the archive's manifest names ", path, ", which is not in the archive");
    }

    Result<> load_docker() {
        const Json manifest = TRY(codec::parse_json(documents_["manifest.json"]).context("manifest.json"));
        if (!manifest.is_array()) return fail(ErrorCode::InvalidArgument, "manifest.json is not a list");
        for (const auto& entry : manifest) {
            NewImage image;
            const auto config_digest = TRY(file_at(TRY(codec::require_string(entry, "Config"))));
            image.config_json = TRY(content_.read(config_digest, oci::max_image_config_bytes));
            const auto config = TRY(oci::parse_image_config(image.config_json));
            const auto paths = codec::get_strings(entry, "Layers");
            if (paths.size() != config.diff_ids.size()) {
                return fail(ErrorCode::InvalidArgument, "manifest.json names ", paths.size(), " layers, the configuration ", config.diff_ids.size());
            }
            for (std::size_t i = 0; i < paths.size(); ++i) image.layers.push_back(TRY(unpack(TRY(file_at(paths[i])), config.diff_ids[i])));
            image.references = codec::get_strings(entry, "RepoTags");
            const Image made = TRY(store_.commit(std::move(image)));
            TRY(announce(made.id, codec::get_strings(entry, "RepoTags")));
        }
        return {};
    }

    /// A layer of a docker-archive: a tar, usually uncompressed. Kept compressed.
    Result<Layer> unpack(const oci::Digest& file, const oci::Digest& diff_id) {
        auto reader = TRY(content_.open_blob(file));
        Layer layer = TRY(store_.add_layer(reader, stop_));
        if (layer.diff_id != diff_id) {
            return fail(ErrorCode::Corrupted, "layer ", file, " unpacks to ", layer.diff_id, ", but the configuration promises ", diff_id);
        }
        return layer;
    }

    Result<> load_layout(const std::optional<oci::Platform>& platform) {
        const auto index = TRY(oci::parse_index(documents_["index.json"]).context("index.json"));
        std::map<oci::Digest, std::vector<std::string>> docker_tags = TRY(tags_of_docker_manifest());
        for (const auto& target : index.manifests) {
            if (!content_.has(target.digest)) return fail(ErrorCode::InvalidArgument, "the archive lacks ", target.digest, ", which its index.json names");
            const Target read = TRY(implementation_.read_target(target));
            int unpacked = 0;
            std::vector<std::string> names;
            for (const auto& manifest : read.manifests) {
                if (!content_.has(manifest.digest)) continue;
                if (manifest.platform && manifest.platform->os == "unknown") continue;
                if (platform && manifest.platform && oci::match(*platform, *manifest.platform) == 0) continue;
                auto image = TRY(implementation_.open_manifest(target, manifest));
                const auto tags = docker_tags.find(image.config_digest);
                if (tags != docker_tags.end()) names = tags->second;
                TRY(unpack_layers(image));
                ++unpacked;
            }
            if (unpacked == 0) return fail(ErrorCode::InvalidArgument, "the archive holds no image for this platform");
            if (const std::string name = name_of(target); !name.empty()) names = {name};
            {
                const std::lock_guard lock(implementation_.names_mutex_);
                TRY(implementation_.save_image(target, ""));
                for (const auto& name : names) {
                    TRY(implementation_.save_name(TRY(oci::Reference::parse(name)).with_default_tag(), target.digest));
                }
            }
            TRY(announce(target.digest, names));
        }
        return {};
    }

    /// Docker's own list, for archives whose index.json carries no names: configuration digest -> tags.
    Result<std::map<oci::Digest, std::vector<std::string>>> tags_of_docker_manifest() {
        std::map<oci::Digest, std::vector<std::string>> out;
        const auto found = documents_.find("manifest.json");
        if (found == documents_.end()) return out;
        const Json manifest = TRY(codec::parse_json(found->second).context("manifest.json"));
        if (!manifest.is_array()) return out;
        for (const auto& entry : manifest) {
            auto config = file_at(codec::get_string(entry, "Config"));
            if (config) out[*config] = codec::get_strings(entry, "RepoTags");
        }
        return out;
    }

    static std::string name_of(const oci::Descriptor& target) {
        const std::string full = target.annotation("io.containerd.image.name");
        if (!full.empty()) return full;
        const std::string name = target.annotation("org.opencontainers.image.ref.name");
        // A bare tag names nothing without its repository.
        return name.find('/') != std::string::npos || name.find(':') != std::string::npos ? name : std::string();
    }

    Result<> unpack_layers(const Image& image) {
        auto& snapshots = implementation_.services_.snapshots;
        for (const auto& layer : image.layers) {
            if (snapshots.has(layer.diff_id)) continue;
            progress_({.id = layer.blob.digest.short_hex(), .status = "Loading layer"});
            auto reader = TRY(content_.open_blob(layer.blob.digest));
            TRY(snapshots.apply(reader, {.diff_id = layer.diff_id}, stop_).context("layer ", layer.blob.digest.short_hex()));
        }
        return {};
    }

    Result<> announce(const oci::Digest& id, const std::vector<std::string>& names) {
        for (const auto& name : names) {
            const std::string familiar = TRY(oci::Reference::parse(name)).with_default_tag().familiar();
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
    std::map<std::string, oci::Digest> files_;
    std::map<std::string, std::string> links_;
    LoadResult result_;
};

}  // namespace

Result<LoadResult> Store::load(codec::ByteSource& source, const std::optional<oci::Platform>& platform, const ProgressSink& progress,
                               std::stop_token stop) {
    auto outcome = Loader(*this, *implementation_, progress, stop).load(source, platform);
    // The archive's files that no image names: layers kept in another compression, documents, all of a refused archive.
    auto collected = implementation_->collect(stop);
    if (outcome && collected.is_error()) return std::move(collected).error();
    return outcome;
}

}  // namespace berth::image
