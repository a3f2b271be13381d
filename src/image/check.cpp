// Whether what is stored is what it claims to be: every row, every document and what it names,
// every blob by its digest, every layer by the sum it was written with. A repair fetches again what
// a registry is known to have, makes layers again from their blobs, and takes away what is damaged
// beyond that, so that the next pull brings it.
#include "image/check.h"

#include <map>

#include "image/compare_layer_internal.h"
#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

namespace {

bool is_document(const oci::Descriptor& blob) {
    return oci::media_type::is_index(blob.media_type) ||
           oci::media_type::is_manifest(blob.media_type);
}

/// Whether what was read is at fault, not the reading: an engine without descriptors or memory left
/// must take nothing away.
bool tells_damage(const Error& error) {
    for (const auto code : {ErrorCode::Unavailable, ErrorCode::Cancelled, ErrorCode::TimedOut,
                            ErrorCode::PermissionDenied})
        if (error.is(code)) return false;
    return true;
}

class Checker {
public:
    /// The lease keeps what is needed to mend something.
    Checker(Store::Implementation& store, content::Lease& lease, bool repair,
            const remote::CredentialsProvider& credentials, std::stop_token stop)
        : store_(store),
          content_(store.services_.content),
          snapshots_(store.services_.snapshots),
          lease_(lease),
          repair_(repair),
          credentials_(credentials),
          stop_(std::move(stop)) {
        for (const auto& provider : store_.root_providers_) provider(roots_);
        for (const auto& layer : roots_.layers) add_layer(layer);
    }

    Result<CheckReport> check() {
        TRY(check_rows());
        for (const auto& row : TRY(store_.rows())) TRY(check_image(row));
        TRY(check_blobs());
        TRY(check_layers());
        return std::move(report_);
    }

private:
    using Problem = CheckReport::Problem;

    // --- rows ------------------------------------------------------------------------------------
    Result<> check_rows() {
        auto& database = store_.services_.database;
        {
            auto integrity = TRY(database.prepare("PRAGMA integrity_check(20)"));
            while (TRY(integrity.step()))
                if (const auto text = integrity.text(0); text != "ok")
                    add_database_problem("berth.db", text);
        }
        std::vector<std::string> lost;
        {
            auto names = TRY(database.prepare(
                "SELECT reference FROM image_name WHERE id NOT IN (SELECT id FROM image)"));
            while (TRY(names.step())) lost.push_back(names.text(0));
        }
        for (const auto& reference : lost) {
            Problem problem{
                .kind = "name", .subject = reference, .text = "it names an image that has no row"};
            if (repair_) {
                TRY(store_.remove_name(reference));
                problem.repair = "removed: the next pull brings it again";
                problem.is_repaired = true;
            }
            report_.problems.push_back(std::move(problem));
        }
        auto keys = TRY(database.prepare("PRAGMA foreign_key_check"));
        while (TRY(keys.step()))
            if (keys.text(0) != "image_name")
                add_database_problem(keys.text(0), concat("row ", keys.integer(1),
                                                          " refers to no row of ", keys.text(2)));
        return {};
    }

    void add_database_problem(std::string table, std::string text) {
        report_.problems.push_back(
            {.kind = "database",
             .subject = std::move(table),
             .text = std::move(text),
             .repair = repair_ ? "not repaired: rows cannot be made again" : ""});
    }

    // --- images ----------------------------------------------------------------------------------
    Result<> check_image(const Row& row) {
        ++report_.images;
        image_ = row.id;
        TRY(check_content(row.descriptor(), true, 0));
        const auto target = store_.read_target(row.descriptor());
        if (target.is_error()) return {};  // reported with the document that is damaged
        for (const auto& manifest : target->manifests) {
            if (is_attestation(manifest) || !content_.has(manifest.digest)) continue;
            const auto image = store_.open_manifest(row.descriptor(), manifest);
            if (!image) continue;  // an artifact, or reported already
            for (const auto& layer : image->layers) add_layer(layer);
        }
        return {};
    }

    /// What a descriptor leads to. Variants that an index names may be absent, what a manifest
    /// names may not.
    Result<> check_content(const oci::Descriptor& descriptor, bool is_needed, int depth) {
        if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        if (depth > max_index_depth + 1) return {};
        if (!content_.has(descriptor.digest)) {
            if (TRY(store_.is_dropped(descriptor.digest))) return {};
            const bool is_foreign = !descriptor.urls.empty();
            if (!is_needed || is_foreign || !TRY(store_.find_row(image_)) ||
                !TRY(report_missing(descriptor)))
                return {};
        }
        if (!known_.try_emplace(descriptor.digest, descriptor).second || !is_document(descriptor))
            return {};
        auto bytes = content_.read(descriptor.digest, oci::max_manifest_bytes);
        if (bytes.is_error() && !tells_damage(bytes.error())) return std::move(bytes).error();
        if (bytes.is_error() && TRY(report_damaged(descriptor.digest, bytes.error())))
            bytes = content_.read(descriptor.digest, oci::max_manifest_bytes);
        if (bytes.is_error()) return {};
        const auto document = oci::parse_manifest_or_index(*bytes, descriptor.media_type);
        if (document.is_error()) {
            report_.problems.push_back(
                {.kind = "blob",
                 .subject = descriptor.digest.to_string(),
                 .text = document.error().message(),
                 .repair = repair_ ? "not repaired: it is as it was published" : ""});
            return {};
        }
        const bool is_index = std::holds_alternative<oci::Index>(*document);
        for (const auto& child : oci::children(*document))
            TRY(check_content(child, !is_index && !(depth > 0 && is_attestation(descriptor)),
                              depth + 1));
        return {};
    }

    // --- blobs -----------------------------------------------------------------------------------
    Result<> check_blobs() {
        for (const auto& blob : TRY(content_.list())) {
            if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            ++report_.blobs;
            report_.bytes += static_cast<std::int64_t>(blob.bytes);
            if (reported_.contains(blob.digest)) continue;
            const auto verified = content_.verify(blob.digest);
            if (!verified.is_error() || verified.error().is(ErrorCode::NotFound))
                continue;  // collected meanwhile
            if (!tells_damage(verified.error())) return verified.error().clone();
            TRY(report_damaged(blob.digest, verified.error()));
        }
        return {};
    }

    /// True when it is here by now.
    Result<bool> report_missing(const oci::Descriptor& descriptor) {
        reported_.insert(descriptor.digest);
        Problem problem{
            .kind = "blob",
            .subject = descriptor.digest.to_string(),
            .text = concat("it is not here, and image ", image_.short_hex(), " needs it")};
        if (repair_) TRY(fetch_again(descriptor, problem));
        report_.problems.push_back(std::move(problem));
        return report_.problems.back().is_repaired;
    }

    /// True when it is whole by now.
    Result<bool> report_damaged(const oci::Digest& digest, const Error& error) {
        reported_.insert(digest);
        Problem problem{.kind = "blob", .subject = digest.to_string(), .text = error.message()};
        const auto known = known_.find(digest);
        if (repair_ && known != known_.end()) {
            TRY(fetch_again(known->second, problem));
            // Whoever pulls or loads it next must not take it for whole.
            if (!problem.is_repaired) TRY(content_.remove(digest));
        } else if (repair_) {
            TRY(content_.remove(digest));
            problem.repair = roots_.blobs.contains(digest)
                                 ? "removed: the next build makes it again"
                                 : "removed: nothing refers to it";
            problem.is_repaired = true;
        }
        report_.problems.push_back(std::move(problem));
        return report_.problems.back().is_repaired;
    }

    Result<> fetch_again(const oci::Descriptor& descriptor, Problem& problem) {
        const auto fetched = store_.refetch(descriptor, credentials_, stop_);
        if (fetched.is_error() && stop_.stop_requested()) return fetched.error().clone();
        problem.is_repaired = !fetched.is_error();
        problem.repair = fetched ? concat("fetched again from ", fetched->familiar_name())
                                 : concat("not repaired: ", fetched.error().message(),
                                          "; pull, load or build the image again");
        return {};
    }

    // --- layers ----------------------------------------------------------------------------------
    void add_layer(const Layer& layer) { blob_of_.try_emplace(layer.diff_id, layer.blob); }

    Result<> check_layers() {
        std::set<oci::Digest> all = roots_.diff_ids;
        for (const auto& [diff_id, blob] : blob_of_) all.insert(diff_id);
        for (const auto& diff_id : TRY(snapshots_.list())) all.insert(diff_id);
        for (const auto& diff_id : all) TRY(check_layer(diff_id));
        return {};
    }

    Result<> check_layer(const oci::Digest& diff_id) {
        ++report_.layers;
        if (const auto info = snapshots_.inspect(diff_id))
            report_.bytes += static_cast<std::int64_t>(info->disk_bytes);
        const auto checked = verify_layer(diff_id);
        if (!checked.is_error()) return check_archive(diff_id);
        if (!tells_damage(checked.error()))
            return checked.error().clone().with_context(concat("layer ", diff_id.short_hex()));
        Problem problem{.kind = "layer",
                        .subject = diff_id.to_string(),
                        .text = checked.error().is(ErrorCode::NotFound)
                                    ? "it is not here"
                                    : checked.error().message()};
        if (repair_) TRY(make_again(diff_id, problem));
        report_.problems.push_back(std::move(problem));
        return {};
    }

    /// What a layer keeps to give its archive again: containers do without it.
    Result<> check_archive(const oci::Digest& diff_id) {
        const auto checked = snapshots_.check_archive(diff_id);
        if (!checked.is_error()) return {};
        if (!tells_damage(checked.error())) return checked.error().clone();
        Problem problem{
            .kind = "layer", .subject = diff_id.to_string(), .text = checked.error().message()};
        if (repair_) {
            TRY(snapshots_.drop_archive(diff_id));
            const auto blob = blob_of_.find(diff_id);
            if (blob != blob_of_.end() && blob->second.digest == diff_id)
                TRY(fetch_again(blob->second, problem));
            else
                problem.is_repaired = true;
            if (problem.repair.empty()) problem.repair = "removed: nothing needs it";
        }
        report_.problems.push_back(std::move(problem));
        return {};
    }

    Result<> verify_layer(const oci::Digest& diff_id) {
        if (TRY(snapshots_.verify(diff_id, stop_))) return {};
        const auto blob = blob_of_.find(diff_id);
        if (blob == blob_of_.end() || !lease_.protect(blob->second.digest)) return {};
        auto reader = TRY(content_.open_blob(blob->second.digest));
        return compare_with_archive(snapshots_, diff_id, reader, stop_);
    }

    Result<> make_again(const oci::Digest& diff_id, Problem& problem) {
        // Roots that are mounted from it go on; a driver leaves a layer that is there as it is.
        TRY(snapshots_.remove(diff_id));
        const auto made = make_layer(diff_id);
        if (made.is_error() && stop_.stop_requested()) return made.error().clone();
        problem.is_repaired = !made.is_error();
        problem.repair = made ? *made
                              : concat("removed, not repaired: ", made.error().message(),
                                       "; pull, load or build the image again");
        return {};
    }

    /// Says how.
    Result<std::string> make_layer(const oci::Digest& diff_id) {
        const auto known = blob_of_.find(diff_id);
        if (known == blob_of_.end()) {
            for (const auto& maker : store_.layer_makers_)
                if (TRY(maker(diff_id))) return std::string("made again");
            if (roots_.diff_ids.contains(diff_id))
                return fail(ErrorCode::NotFound, "what it was made of is not here");
            return std::string("removed: nothing refers to it");
        }
        std::string from = "made again from its blob";
        if (!lease_.protect(known->second.digest))
            from += concat(", fetched from ",
                           TRY(store_.refetch(known->second, credentials_, stop_)).familiar_name());
        auto reader = TRY(content_.open_blob(known->second.digest));
        const bool is_archive = known->second.digest == diff_id;
        TRY(snapshots_.apply(reader, {.diff_id = diff_id, .keeps_archive = is_archive}, stop_));
        return from;
    }

    Store::Implementation& store_;
    content::Store& content_;
    snapshot::Driver& snapshots_;
    content::Lease& lease_;
    const bool repair_;
    const remote::CredentialsProvider& credentials_;
    std::stop_token stop_;
    Roots roots_;
    oci::Digest image_;                               // the one being looked at
    std::map<oci::Digest, oci::Descriptor> known_;    // content that images lead to
    std::map<oci::Digest, oci::Descriptor> blob_of_;  // by diff id
    std::set<oci::Digest> reported_;
    CheckReport report_;
};

}  // namespace

Result<CheckReport> Store::check(bool repair, std::stop_token stop,
                                 const remote::CredentialsProvider& credentials) {
    auto report = [&] {
        content::Lease lease =
            implementation_->services_.content.lease();  // no layer is collected meanwhile
        return Checker(*implementation_, lease, repair, credentials, std::move(stop)).check();
    }();
    // What was fetched for a layer goes again.
    if (repair)
        implementation_->drop_all_layer_blobs().ignore("the next collection makes up for it");
    return report;
}

}  // namespace berth::image
