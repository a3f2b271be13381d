#include <sys/types.h>
#include <atomic>
#include <map>
#include <thread>

#include "codec/json.h"
#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

namespace {

bool is_document(const oci::Descriptor& blob) {
    return blob.media_type.find("manifest") != std::string::npos ||
           blob.media_type.find("index") != std::string::npos;
}

class Pusher {
public:
    Pusher(Store::Implementation& store, remote::Repository& repository,
           const remote::CredentialsProvider& credentials, const ProgressSink& sink,
           std::stop_token stop)
        : store_(store),
          repository_(repository),
          credentials_(credentials),
          stop_(std::move(stop)) {
        sink_ = [this, &sink](const Progress& progress) {
            const std::lock_guard lock(sink_mutex_);
            sink(progress);
        };
    }

    /// Blobs first and in parallel, then manifests from the leaves up, each after all it names. Of
    /// an image for one platform, layers that are plain archives travel compressed, under a
    /// manifest that says so.
    Result<> push(const std::vector<oci::Descriptor>& all, const std::string& tag) {
        std::vector<oci::Descriptor> blobs, documents;
        for (const auto& blob : all) (is_document(blob) ? documents : blobs).push_back(blob);
        may_compress_ = documents.size() == 1;
        for (const auto& blob : blobs) say(blob, "Preparing");
        TRY(push_blobs(blobs));
        for (auto document = documents.rbegin(); document != documents.rend(); ++document) {
            std::string bytes =
                TRY(store_.services_.content.read(document->digest, oci::max_manifest_bytes));
            if (!compressed_.empty()) bytes = TRY(with_compressed_layers(bytes));
            const bool is_target = &*document == &documents.front();
            pushed_.push_back({.media_type = document->media_type,
                               .digest = oci::Digest::of(bytes),
                               .size = static_cast<std::int64_t>(bytes.size())});
            TRY(repository_.push_manifest(is_target ? tag : pushed_.back().digest.to_string(),
                                          document->media_type, bytes, stop_));
        }
        return {};
    }

    /// What the registry has by now, the target last.
    const std::vector<oci::Descriptor>& pushed() const { return pushed_; }
    /// Blobs that were made on the way.
    const std::set<oci::Digest>& made() const { return made_; }

private:
    /// Users count layers: a configuration travels without a line.
    void say(const oci::Descriptor& blob, std::string status) {
        if (!oci::media_type::is_config(blob.media_type))
            sink_({.id = blob.digest.short_hex(), .status = std::move(status)});
    }

    Result<> push_blobs(const std::vector<oci::Descriptor>& blobs) {
        std::atomic<std::size_t> next{0};
        std::mutex error_mutex;
        std::optional<Error> first_error;
        std::stop_source cancel;
        const std::stop_callback chain(stop_, [&] { cancel.request_stop(); });
        {
            std::vector<std::jthread> workers;
            for (std::size_t i = 0;
                 i < std::min<std::size_t>(store_.uploads_.limit(), blobs.size()); ++i) {
                workers.emplace_back([&] {
                    for (std::size_t at = next++; at < blobs.size() && !cancel.stop_requested();
                         at = next++) {
                        auto pushed = push_one(blobs[at], cancel.get_token());
                        const std::lock_guard lock(error_mutex);
                        if (pushed) {
                            pushed_.push_back(std::move(*pushed));
                            continue;
                        }
                        if (!first_error) first_error = std::move(pushed).error();
                        cancel.request_stop();
                    }
                });
            }
        }
        if (first_error) return std::move(*first_error);
        if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        return {};
    }

    Result<oci::Descriptor> push_one(const oci::Descriptor& blob, const std::stop_token& stop) {
        const auto slot = TRY(store_.uploads_.take(stop));
        const bool is_archive = blob.media_type == oci::media_type::oci_layer ||
                                blob.media_type == oci::media_type::docker_layer;
        oci::Descriptor sent = blob;
        if (may_compress_ && is_archive && store_.services_.snapshots.has_archive(blob.digest))
            sent = TRY(compress(blob, stop));
        TRY(push_blob(blob, sent, stop));
        return sent;
    }

    /// As it was compressed for an earlier push, where the registry has that or it is here.
    Result<oci::Descriptor> compress(const oci::Descriptor& layer, const std::stop_token& stop) {
        auto known = TRY(store_.find_compressed(layer));
        const bool is_had =
            known && (store_.services_.content.has(known->digest) ||
                      !TRY(store_.sources_of(known->digest, repository_.name().domain())).empty() ||
                      TRY(repository_.has_blob(known->digest, stop)));
        if (!is_had) {
            say(layer, "Compressing");
            known = TRY(store_.compress_layer(layer, stop));
        }
        const std::lock_guard lock(compressed_mutex_);
        if (!is_had) made_.insert(known->digest);
        compressed_[layer.digest.to_string()] = *known;
        return *known;
    }

    Result<std::string> with_compressed_layers(const std::string& bytes) const {
        auto manifest = TRY(codec::parse_json(bytes));
        for (auto& layer : manifest["layers"]) {
            const auto found = compressed_.find(codec::get_string(layer, "digest"));
            if (found == compressed_.end()) continue;
            layer["mediaType"] = found->second.media_type;
            layer["digest"] = found->second.digest.to_string();
            layer["size"] = found->second.size;
        }
        return codec::dump_json(manifest);
    }

    /// `shown` is the one that users know.
    Result<> push_blob(const oci::Descriptor& shown, const oci::Descriptor& blob,
                       const std::stop_token& stop) {
        const std::string id = shown.digest.short_hex();
        const auto mount_from = TRY(store_.sources_of(blob.digest, repository_.name().domain()));
        // A blob that is not kept here is fetched only when the registry neither has it nor can
        // mount it.
        std::optional<content::BlobReader> reader;
        std::optional<Error> not_fetched;
        const auto open = [&]() -> Result<> {
            if (!store_.services_.content.has(blob.digest)) say(shown, "Downloading");
            auto opened = store_.open_blob(blob, credentials_, stop);
            if (opened.is_error()) return std::move(opened).error();
            reader.emplace(std::move(*opened));
            return {};
        };
        const bool may_be_there = !mount_from.empty() || store_.services_.content.has(blob.digest);
        if (!may_be_there && !TRY(repository_.has_blob(blob.digest, stop))) TRY(open());
        auto last = std::chrono::steady_clock::now();
        const auto progress = [&](std::uint64_t bytes) {
            const auto now = std::chrono::steady_clock::now();
            if (now - last < std::chrono::milliseconds(100)) return;
            last = now;
            sink_({.id = id,
                   .status = "Pushing",
                   .current = static_cast<std::int64_t>(bytes),
                   .total = blob.size});
        };
        const auto source = [&](std::uint64_t offset,
                                std::span<std::byte> buffer) -> Result<std::size_t> {
            if (!reader) {
                auto opened = open();
                if (opened.is_error()) {
                    not_fetched = std::move(opened).error();
                    return fail(ErrorCode::Cancelled,
                                "nothing to send");  // repeating the upload would not help
                }
            }
            return sys::pread(reader->fd(), buffer, offset);
        };
        auto outcome = repository_.push_blob(blob, source, mount_from, progress, stop);
        if (not_fetched) return std::move(*not_fetched);
        if (outcome.is_error()) return std::move(outcome).error().with_context(concat("blob ", id));
        switch (*outcome) {
            case remote::PushOutcome::Pushed: say(shown, "Pushed"); break;
            case remote::PushOutcome::Existed: say(shown, "Layer already exists"); break;
            case remote::PushOutcome::Mounted:
                say(shown, concat("Mounted from ", mount_from.front()));
                break;
        }
        return {};
    }

    Store::Implementation& store_;
    remote::Repository& repository_;
    const remote::CredentialsProvider& credentials_;
    std::stop_token stop_;
    std::mutex sink_mutex_;
    ProgressSink sink_;
    bool may_compress_ = false;
    std::mutex compressed_mutex_;
    std::map<std::string, oci::Descriptor> compressed_;  // by the digest of the archive
    std::set<oci::Digest> made_;
    std::vector<oci::Descriptor> pushed_;
};

/// One image under a lease, whose end lets go of what was fetched again; returns what the registry
/// has. Adds to `made` what was made on the way.
Result<oci::Descriptor> push_leased(Store::Implementation& store, remote::Repository& repository,
                                    const oci::Descriptor& target, const oci::Reference& reference,
                                    const remote::CredentialsProvider& credentials,
                                    std::set<oci::Digest>& made, const ProgressSink& progress,
                                    const std::stop_token& stop) {
    content::Lease lease = store.services_.content.reading_lease();
    const auto blobs = TRY(store.blobs_of(target));
    for (const auto& blob : blobs) lease.protect(blob.digest);
    const auto layers = store.hold_archives(blobs);
    Pusher pusher(store, repository, credentials, progress, stop);
    auto pushed = pusher.push(blobs, reference.tag());
    made = pusher.made();
    TRY(std::move(pushed));
    TRY(store.note_source(reference, pusher.pushed(), access_with(credentials, reference.domain()),
                          Provenance::Made));
    return pusher.pushed().back();
}

}  // namespace

Result<> Store::push(std::string_view name, const PushOptions& options,
                     const ProgressSink& progress, std::stop_token stop) {
    const oci::Reference wanted = TRY(oci::Reference::parse(name));
    if (wanted.has_digest())
        return fail(ErrorCode::InvalidArgument, "cannot push a digest reference");
    std::vector<oci::Reference> references;
    if (options.all_tags) {
        for (const auto& known : TRY(implementation_->names())) {
            auto reference = oci::Reference::parse(known.reference);
            if (reference && reference->name() == wanted.name() && reference->has_tag())
                references.push_back(*reference);
        }
        if (references.empty())
            return fail(ErrorCode::NotFound,
                        "An image does not exist locally with the tag: ", wanted.familiar_name());
    } else {
        references.push_back(wanted.with_default_tag());
    }
    progress({.status = concat("The push refers to repository [", wanted.name(), "]")});
    auto repository = TRY(implementation_->services_.registries.open(
        wanted, remote::Access::PullAndPush, options.credentials));
    for (const auto& reference : references) {
        auto found = implementation_->find(reference.to_string());
        if (found.is_error() && found.error().is(ErrorCode::NotFound)) {
            return fail(ErrorCode::NotFound, "An image does not exist locally with the tag: ",
                        reference.familiar_name());
        }
        if (found.is_error()) return std::move(found).error();
        oci::Descriptor target = found->row.descriptor();
        const Target read = TRY(implementation_->read_target(target));
        const auto is_missing = [&](const oci::Descriptor& manifest) {
            return !implementation_->services_.content.has(manifest.digest);
        };
        const bool is_partial =
            std::any_of(read.manifests.begin(), read.manifests.end(), is_missing);
        if (options.platform || is_partial) {
            // A registry refuses an index whose manifests it does not have: what is here is pushed
            // alone.
            target = TRY(options.platform
                             ? implementation_->open_image(target, *options.platform, Fit::Exact)
                             : implementation_->open_any(target))
                         .manifest;
        }
        std::set<oci::Digest> made;
        auto outcome = push_leased(*implementation_, *repository, target, reference,
                                   options.credentials, made, progress, stop);
        implementation_->drop_layer_blobs_of(target);
        implementation_->drop_made(made);
        const oci::Descriptor pushed =
            TRY(std::move(outcome).context("push ", reference.familiar()));
        if (target.digest == found->row.id)
            TRY(implementation_->note_pushed_as(reference, target.digest, pushed.digest));
        implementation_->emit("push", reference.familiar(), reference.familiar_name());
        progress({.status = concat(reference.tag(), ": digest: ", pushed.digest,
                                   " size: ", pushed.size)});
        codec::Json aux;
        aux["Tag"] = reference.tag();
        aux["Digest"] = pushed.digest.to_string();
        aux["Size"] = pushed.size;
        progress({.aux = codec::dump_json(aux)});
    }
    return {};
}

}  // namespace berth::image
