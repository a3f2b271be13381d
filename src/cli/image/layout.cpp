#include "cli/image/layout.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/random.h"
#include "cli/archive/input.h"
#include "cli/archive/pack.h"
#include "codec/json.h"
#include "codec/sha256.h"
#include "codec/tar.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "sys/file.h"

namespace berth::cli {

using codec::Json;

namespace {

constexpr std::string_view full_name = "io.containerd.image.name";
constexpr std::string_view short_name = "org.opencontainers.image.ref.name";
constexpr std::string_view blob_folder = "blobs/sha256/";
constexpr std::size_t piece_bytes = 256 << 10;

std::string annotation_of(const Json& entry, std::string_view key) {
    const auto* annotations = codec::find_member(entry, "annotations");
    return annotations == nullptr ? "" : codec::get_string(*annotations, key);
}

/// "app:1" as Docker resolves it; nullopt for what names no repository, such as a bare tag.
std::optional<oci::Reference> reference_of(const std::string& name) {
    if (name.find(':') == std::string::npos && name.find('/') == std::string::npos)
        return std::nullopt;
    auto reference = oci::Reference::parse(name);
    if (reference.is_error()) return std::nullopt;
    return reference->with_default_tag();
}

bool is_called(const Json& entry, const std::string& name) {
    if (annotation_of(entry, short_name) == name || annotation_of(entry, full_name) == name)
        return true;
    const auto reference = reference_of(name);
    return reference && annotation_of(entry, full_name) == reference->to_string();
}

Result<Json> parse_layout_index(const std::string& text) {
    Json index = TRY(codec::parse_json(text).context("index.json"));
    const auto* manifests = codec::find_member(index, "manifests");
    if (manifests == nullptr || !manifests->is_array())
        return fail(ErrorCode::InvalidArgument, "index.json: no list of manifests");
    return index;
}

void rename(Json& entry, const std::string& name) {
    Json& annotations = entry["annotations"];
    if (!annotations.is_object()) annotations = Json::object();
    const auto reference = reference_of(name);
    annotations.erase(std::string(full_name));
    if (reference) annotations[std::string(full_name)] = reference->to_string();
    annotations[std::string(short_name)] = reference ? reference->tag() : name;
}

/// A tar stream that is changed on its way.
class Chooser {
public:
    Chooser(client::BytesSource tar, LayoutChoice choice)
        : source_(std::move(tar)), reader_(source_, {}), choice_(std::move(choice)) {}

    Result<std::string> next() {
        while (!has_ended_ && out_.text().size() < piece_bytes) TRY(step());
        return out_.take();
    }

private:
    Result<> step() {
        if (in_entry_) {
            const auto piece = TRY(reader_.read_content());
            in_entry_ = !piece.empty();
            return piece.empty() ? Result<>() : writer_.write_content(piece);
        }
        auto entry = TRY(reader_.next());
        if (!entry) {
            has_ended_ = true;
            if (!has_index_)
                return fail(ErrorCode::InvalidArgument, "no OCI layout: index.json is missing")
                    .with_hint(
                        "what `docker save` wrote before version 25 becomes an image with "
                        "`berth load`");
            return writer_.finish();
        }
        std::string path = entry->path;
        if (path.starts_with("./")) path.erase(0, 2);
        const bool is_index = path == "index.json", is_docker = path == "manifest.json";
        if (!is_index && !is_docker) {
            in_entry_ = true;
            return writer_.begin(*entry);
        }
        if (entry->bytes > oci::max_manifest_bytes)
            return fail(ErrorCode::InvalidArgument, path, " is too large");
        std::string text;
        for (;;) {
            const auto piece = TRY(reader_.read_content());
            if (piece.empty()) break;
            text.append(as_text(piece));
        }
        has_index_ = has_index_ || is_index;
        text = is_index ? TRY(changed_index(text)) : TRY(changed_docker_list(text));
        entry->bytes = text.size();
        return writer_.add(*entry, text);
    }

    Result<std::string> changed_index(const std::string& text) const {
        Json index = TRY(parse_layout_index(text));
        std::vector<Json> chosen;
        std::vector<std::string> names;
        for (const auto& entry : index["manifests"]) {
            const std::string name = annotation_of(entry, short_name);
            if (!name.empty()) names.push_back(name);
            const bool is_wanted = choice_.name.empty() || is_called(entry, choice_.name);
            // One image under several names is one image.
            if (is_wanted && (chosen.empty() || chosen[0]["digest"] != entry["digest"]))
                chosen.push_back(entry);
        }
        if (chosen.empty())
            return fail(ErrorCode::NotFound, "no image ", choice_.name, " in the layout")
                .with_hint(names.empty() ? "it names none" : "it has " + join(names, ", "));
        if (chosen.size() > 1)
            return fail(ErrorCode::InvalidArgument, "the layout has several images")
                .with_hint("say which behind a colon: " + join(names, ", "));
        if (!choice_.new_name.empty()) rename(chosen[0], choice_.new_name);
        index["manifests"] = Json::array({std::move(chosen[0])});
        return codec::dump_json(index);
    }

    Result<std::string> changed_docker_list(const std::string& text) const {
        Json list = TRY(codec::parse_json(text).context("manifest.json"));
        if (!list.is_array() || list.size() != 1) return std::string("[]");
        if (choice_.new_name.empty()) return text;
        const auto reference = reference_of(choice_.new_name);
        list[0]["RepoTags"] = Json::array();
        if (reference) list[0]["RepoTags"].push_back(reference->familiar());
        return codec::dump_json(list);
    }

    PieceSource source_;
    codec::TarReader reader_;
    codec::StringSink out_;
    codec::TarWriter writer_{out_};
    LayoutChoice choice_;
    bool in_entry_ = false;
    bool has_index_ = false;
    bool has_ended_ = false;
};

Result<> write_blob(codec::TarReader& tar, const std::string& folder, const std::string& path) {
    const std::string hex = path.substr(blob_folder.size());
    // A digest has no room for "..", and nothing else becomes a path.
    TRY(oci::Digest::parse("sha256:" + hex));
    const std::string target = concat(folder, "/", path);
    const std::string aside = concat(target, ".", random_hex(4), ".part");
    const auto write_aside = [&]() -> Result<> {
        const sys::Fd file = TRY(sys::open(aside, O_WRONLY | O_CREAT | O_EXCL, 0644));
        codec::Sha256 hash;
        for (;;) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            hash.update(piece);
            TRY(sys::write_all(file, piece));
        }
        if (hash.finish_hex() != hex)
            return fail(ErrorCode::Corrupted, "it is not what its name promises");
        TRY(sys::fsync(file));
        return sys::rename(aside, target);
    };
    auto written = write_aside();
    if (written.is_error()) sys::unlink(aside).ignore("it may not be there");
    return std::move(written).context(target);
}

/// The entries of the folder's index, if it has one, with the new ones in the place of those with
/// the same name (or, for one without a name, the same digest).
Result<> merge_index(const std::string& folder, Json added) {
    const std::string path = folder + "/index.json";
    if (auto text = sys::read_file(path, oci::max_manifest_bytes)) {
        const Json before = TRY(parse_layout_index(*text).context(folder));
        Json kept = Json::array();
        for (const auto& entry : before["manifests"]) {
            const auto is_replaced = [&](const Json& one) {
                const std::string name = annotation_of(entry, short_name);
                if (name.empty() || annotation_of(one, short_name).empty())
                    return one["digest"] == entry["digest"];
                return annotation_of(one, short_name) == name &&
                       annotation_of(one, full_name) == annotation_of(entry, full_name);
            };
            const auto& fresh = added["manifests"];
            if (std::none_of(fresh.begin(), fresh.end(), is_replaced)) kept.push_back(entry);
        }
        for (auto& entry : added["manifests"]) kept.push_back(std::move(entry));
        added["manifests"] = std::move(kept);
    } else if (!text.error().is(ErrorCode::NotFound)) {
        return std::move(text).error();
    }
    TRY(sys::write_file_atomic(folder + "/oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}"));
    return sys::write_file_atomic(path, codec::dump_json(added));
}

}  // namespace

Result<client::BytesSource> read_layout(const std::string& folder) {
    if (!sys::exists(folder + "/index.json"))
        return fail(ErrorCode::NotFound, folder, " is no OCI layout: it has no index.json");
    return pack({.folder = folder, .name = {}, .filter = {}, .texts = {}});
}

client::BytesSource choose_image(client::BytesSource tar, LayoutChoice choice) {
    auto chooser = std::make_shared<Chooser>(std::move(tar), std::move(choice));
    return [chooser] { return chooser->next(); };
}

Result<> write_layout(client::BytesSource tar, const std::string& folder) {
    TRY(sys::mkdir_all(concat(folder, "/", blob_folder), 0755).context(folder));
    PieceSource source(std::move(tar));
    codec::TarReader reader(source, {});
    std::optional<Json> index;
    for (;;) {
        const auto entry = TRY(reader.next());
        if (!entry) break;
        if (entry->type != codec::TarType::File) continue;
        if (entry->path.starts_with(blob_folder)) {
            TRY(write_blob(reader, folder, entry->path));
        } else if (entry->path == "index.json") {
            if (entry->bytes > oci::max_manifest_bytes)
                return fail(ErrorCode::InvalidArgument, "index.json is too large");
            std::string text;
            for (;;) {
                const auto piece = TRY(reader.read_content());
                if (piece.empty()) break;
                text.append(as_text(piece));
            }
            index = TRY(parse_layout_index(text));
        }
    }
    if (!index) return fail(ErrorCode::InvalidArgument, "no OCI layout: index.json is missing");
    return merge_index(folder, std::move(*index));
}

}  // namespace berth::cli
