// Pulling: layers travel in parallel; while one arrives it is written to the content store and, in
// the same pass, to the layer it unpacks to. An ingest that was cut resumes where it was; its layer
// is then made from the finished blob.
#include <atomic>
#include <thread>

#include "codec/json.h"
#include "image/channel_internal.h"
#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

namespace {

/// Progress of one blob, at most ten lines a second.
class Meter {
public:
    Meter(const ProgressSink& sink, std::string id, std::int64_t total)
        : sink_(sink), id_(std::move(id)), total_(total) {}
    void say(const std::string& status) { sink_({.id = id_, .status = status}); }
    void advance(std::int64_t bytes) {
        current_ += bytes;
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < std::chrono::milliseconds(100)) return;
        last_ = now;
        sink_({.id = id_, .status = "Downloading", .current = current_, .total = total_});
    }
    void start_at(std::int64_t bytes) { current_ = bytes; }

private:
    const ProgressSink& sink_;
    std::string id_;
    std::int64_t total_;
    std::int64_t current_ = 0;
    std::chrono::steady_clock::time_point last_{};
};

class Puller {
public:
    Puller(Store::Implementation& store, remote::Repository& repository, content::Lease& lease,
           const ProgressSink& sink, std::stop_token stop)
        : store_(store),
          content_(store.services_.content),
          repository_(repository),
          lease_(lease),
          stop_(std::move(stop)) {
        sink_ = [this, &sink](const Progress& progress) {
            const std::lock_guard lock(sink_mutex_);
            sink(progress);
        };
    }

    /// Fetches the target's document, the manifest for `platform`, its configuration and layers;
    /// returns the target.
    Result<oci::Descriptor> pull(const std::string& tag_or_digest, const oci::Platform& platform) {
        const auto fetched = TRY(repository_.fetch_manifest(tag_or_digest, stop_));
        // Not earlier: what is said before the first failure turns that failure from a status into
        // a line of the stream.
        sink_({.id = tag_or_digest, .status = concat("Pulling from ", repository_.name().path())});
        TRY(content_.put(fetched.bytes, {.digest = fetched.descriptor.digest}));
        blobs_.push_back(fetched.descriptor);
        const auto document =
            TRY(oci::parse_manifest_or_index(fetched.bytes, fetched.descriptor.media_type)
                    .context("manifest ", fetched.descriptor.digest.short_hex()));
        if (const auto* index = std::get_if<oci::Index>(&document)) {
            const oci::Platform wanted = platform.is_empty() ? oci::Platform::host() : platform;
            if (!TRY(pull_from_index(*index, wanted, 1)))
                return fail(ErrorCode::NotFound, "no matching manifest for ", wanted.to_string(),
                            " in the manifest list entries");
        } else {
            TRY(pull_manifest(std::get<oci::Manifest>(document)));
        }
        return fetched.descriptor;
    }

    /// What the registry has of the image, as far as this pull saw it.
    const std::vector<oci::Descriptor>& blobs() const { return blobs_; }

    bool is_artifact() const { return is_artifact_; }

private:
    /// The document of a descriptor, from here or the registry; kept.
    Result<std::string> fetch_document(const oci::Descriptor& descriptor) {
        blobs_.push_back(descriptor);
        if (lease_.protect(descriptor.digest)) {
            if (auto bytes = content_.read(descriptor.digest, oci::max_manifest_bytes))
                return bytes;
        }
        auto fetched = TRY(repository_.fetch_manifest(descriptor.digest.to_string(), stop_));
        TRY(content_.put(fetched.bytes, {.digest = descriptor.digest,
                                         .bytes = static_cast<std::uint64_t>(descriptor.size)}));
        return std::move(fetched.bytes);
    }

    /// The best manifest of the index, or of an index in it, with what attests it. False when
    /// nothing suits.
    Result<bool> pull_from_index(const oci::Index& index, const oci::Platform& wanted, int depth) {
        if (const oci::Descriptor* chosen = index.find(wanted)) {
            const std::string bytes = TRY(fetch_document(*chosen));
            TRY(pull_manifest(TRY(oci::parse_manifest(bytes, chosen->media_type))));
            for (const auto& entry : index.manifests) {
                if (!is_attestation(entry) ||
                    entry.annotation(attested_digest) != chosen->digest.to_string())
                    continue;
                pull_attestation(entry).ignore("the image is whole without what was said about it");
                if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            }
            return true;
        }
        for (const auto& entry : index.manifests) {
            if (!oci::media_type::is_index(entry.media_type)) continue;
            if (depth >= max_index_depth)
                return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
            if (!searched_.insert(entry.digest).second) continue;
            const std::string bytes = TRY(fetch_document(entry));
            if (TRY(pull_from_index(TRY(oci::parse_index(bytes, entry.media_type)), wanted,
                                    depth + 1)))
                return true;
        }
        return false;
    }

    Result<> pull_attestation(const oci::Descriptor& descriptor) {
        const auto manifest =
            TRY(oci::parse_manifest(TRY(fetch_document(descriptor)), descriptor.media_type));
        return fetch_blobs(manifest);
    }

    /// All blobs of what has no file system, one after another.
    Result<> fetch_blobs(const oci::Manifest& manifest) {
        for (const auto& blob : oci::children(manifest)) {
            blobs_.push_back(blob);
            if (lease_.protect(blob.digest)) continue;
            Meter meter(sink_, blob.digest.short_hex(), blob.size);
            TRY(fetch_blob(blob, meter));
            meter.say("Pull complete");
        }
        return {};
    }

    Result<> fetch_blob(const oci::Descriptor& blob, Meter& meter) {
        auto writer = TRY(content_.resume_ingest(blob.digest.to_string()));
        TRY(repository_.fetch_blob(
            blob, writer.offset(),
            [&](std::span<const std::byte> piece) -> Result<> {
                meter.advance(static_cast<std::int64_t>(piece.size()));
                return writer.write(piece);
            },
            stop_));
        TRY(std::move(writer).commit(
            {.digest = blob.digest, .bytes = static_cast<std::uint64_t>(blob.size)}));
        return {};
    }

    Result<> pull_manifest(const oci::Manifest& manifest) {
        if (berth::image::is_artifact(manifest)) {
            is_artifact_ = true;
            return fetch_blobs(manifest);
        }
        TRY(fetch_small(manifest.config));
        const auto config = TRY(oci::parse_image_config(
            TRY(content_.read(manifest.config.digest, oci::max_image_config_bytes))));
        if (config.diff_ids.size() != manifest.layers.size()) {
            return fail(ErrorCode::InvalidArgument, "the image's configuration names ",
                        config.diff_ids.size(), " layers, its manifest ", manifest.layers.size());
        }
        blobs_.insert(blobs_.end(), manifest.layers.begin(), manifest.layers.end());
        blobs_.push_back(manifest.config);
        for (const auto& layer : manifest.layers)
            sink_({.id = layer.digest.short_hex(), .status = "Pulling fs layer"});
        std::atomic<std::size_t> next{0};
        std::mutex error_mutex;
        std::optional<Error> first_error;
        std::stop_source cancel;
        const std::stop_callback chain(stop_, [&] { cancel.request_stop(); });
        {
            std::vector<std::jthread> workers;
            for (std::size_t i = 0;
                 i < std::min<std::size_t>(store_.downloads_.limit(), manifest.layers.size());
                 ++i) {
                workers.emplace_back([&] {
                    for (std::size_t at = next++;
                         at < manifest.layers.size() && !cancel.stop_requested(); at = next++) {
                        auto done = pull_layer(manifest.layers[at], config.diff_ids[at],
                                               cancel.get_token());
                        if (done) continue;
                        const std::lock_guard lock(error_mutex);
                        if (!first_error) first_error = std::move(done).error();
                        cancel.request_stop();
                    }
                });
            }
        }
        if (first_error) return std::move(*first_error);
        if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        return {};
    }

    Result<> fetch_small(const oci::Descriptor& blob) {
        if (lease_.protect(blob.digest)) return {};
        if (blob.size < 0 || blob.size > static_cast<std::int64_t>(oci::max_image_config_bytes)) {
            return fail(ErrorCode::InvalidArgument, "image configuration of ", blob.size,
                        " bytes is too large");
        }
        std::string bytes;
        TRY(repository_.fetch_blob(
            blob, 0,
            [&](std::span<const std::byte> piece) -> Result<> {
                bytes.append(as_text(piece));
                if (bytes.size() > static_cast<std::size_t>(blob.size))
                    return fail(ErrorCode::Corrupted, "blob ", blob.digest,
                                " is longer than promised");
                return {};
            },
            stop_));
        TRY(content_.put(bytes,
                         {.digest = blob.digest, .bytes = static_cast<std::uint64_t>(blob.size)}));
        return {};
    }

    Result<> pull_layer(const oci::Descriptor& blob, const oci::Digest& diff_id,
                        const std::stop_token& stop) {
        Meter meter(sink_, blob.digest.short_hex(), blob.size);
        // One pull of a layer at a time: whoever comes second waits and then finds it there.
        if (store_.in_flight_.lock()->contains(blob.digest)) meter.say("Waiting");
        const auto turn = TRY(Turn::take(store_.in_flight_, blob.digest, stop));
        return pull_layer_alone(blob, diff_id, meter, stop)
            .context("layer ", blob.digest.short_hex());
    }

    Result<> pull_layer_alone(const oci::Descriptor& blob, const oci::Digest& diff_id, Meter& meter,
                              const std::stop_token& stop) {
        auto& snapshots = store_.services_.snapshots;
        lease_.note(diff_id);
        const bool has_blob = lease_.protect(blob.digest);
        const bool is_enough =
            has_blob || snapshots.has_archive(blob.digest) ||
            (store_.layer_blobs_ != LayerBlobs::Keep && TRY(store_.is_dropped(blob.digest)));
        if (is_enough && snapshots.has(diff_id)) {
            // Where an engine ended between layer and blob, nobody goes on with the latter.
            content_.remove_ingest(blob.digest.to_string()).ignore("a prune does");
            meter.say("Already exists");
            return {};
        }
        if (!has_blob) {
            if (TRY(download(blob, diff_id, meter, stop))) {
                meter.say("Pull complete");
                return {};
            }
        }
        if (!snapshots.has(diff_id)) {
            meter.say("Extracting");
            auto reader = TRY(content_.open_blob(blob.digest));
            TRY(snapshots.apply(
                reader, {.diff_id = diff_id, .keeps_archive = blob.digest == diff_id}, stop));
        }
        meter.say("Pull complete");
        return {};
    }

    /// True when the layer was made in the same pass.
    Result<bool> download(const oci::Descriptor& blob, const oci::Digest& diff_id, Meter& meter,
                          const std::stop_token& stop) {
        auto writer = TRY(content_.resume_ingest(blob.digest.to_string()));
        if (store_.downloads_.is_full()) meter.say("Waiting");
        const auto slot = TRY(store_.downloads_.take(stop));
        const std::uint64_t offset = writer.offset();
        const bool in_one_pass = offset == 0 && !store_.services_.snapshots.has(diff_id);
        meter.start_at(static_cast<std::int64_t>(offset));
        Channel channel;
        Result<> applied;
        std::jthread applier;
        if (in_one_pass) {
            applier = std::jthread([&] {
                auto layer = store_.services_.snapshots.apply(
                    channel, {.diff_id = diff_id, .keeps_archive = blob.digest == diff_id}, stop);
                if (layer.is_error()) applied = std::move(layer).error();
                channel.abandon();
            });
        }
        auto fetched = repository_.fetch_blob(
            blob, offset,
            [&](std::span<const std::byte> piece) -> Result<> {
                TRY(writer.write(piece));
                if (writer.offset() > static_cast<std::uint64_t>(blob.size))
                    return fail(ErrorCode::Corrupted, "blob ", blob.digest,
                                " is longer than promised");
                meter.advance(static_cast<std::int64_t>(piece.size()));
                return in_one_pass ? channel.write(piece) : Result<>();
            },
            stop,
            [this]() -> std::shared_ptr<void> {
                auto spare = store_.downloads_.take_spare();
                return spare ? std::make_shared<Slots::Slot>(std::move(*spare)) : nullptr;
            });
        std::optional<Error> for_reader;
        if (fetched.is_error()) for_reader = fetched.error().clone();
        channel.close(std::move(for_reader));
        if (applier.joinable()) applier.join();
        // The applier's refusal is the cause when the channel was abandoned under the download.
        if (applied.is_error() && (fetched || fetched.error().is(ErrorCode::Cancelled)) &&
            !stop.stop_requested()) {
            // What cannot be unpacked is not worth resuming: the next attempt asks for all of it. A
            // full disk is no fault of the bytes.
            if (!applied.error().is(ErrorCode::NoSpace)) std::move(writer).discard();
            return std::move(applied).error();
        }
        if (fetched.is_error()) return std::move(fetched).error();
        meter.say("Verifying Checksum");
        TRY(std::move(writer).commit(
            {.digest = blob.digest, .bytes = static_cast<std::uint64_t>(blob.size)}));
        meter.say("Download complete");
        return in_one_pass;
    }

    Store::Implementation& store_;
    content::Store& content_;
    remote::Repository& repository_;
    content::Lease& lease_;
    std::stop_token stop_;
    std::mutex sink_mutex_;
    ProgressSink sink_;
    std::vector<oci::Descriptor> blobs_;
    std::set<oci::Digest> searched_;  // indexes in the index; one may be named many times
    bool is_artifact_ = false;
};

// Clients and scripts look for these words.
Error in_dockers_words(Error error, const oci::Reference& reference) {
    if (error.is(ErrorCode::PermissionDenied) ||
        error.message() == "unauthorized: authentication required" ||
        error.message() == "no basic auth credentials") {
        return fail(ErrorCode::NotFound, "pull access denied for ", reference.familiar_name(),
                    ", repository does not exist or may require 'docker login': ", error.message());
    }
    if (error.is(ErrorCode::NotFound) && error.message().starts_with("manifest unknown"))
        return fail(ErrorCode::NotFound, "manifest for ", reference.familiar(),
                    " not found: ", error.message());
    if (error.is(ErrorCode::NotFound) && error.message().starts_with("name unknown"))
        return fail(ErrorCode::NotFound, "repository ", reference.familiar_name(),
                    " not found: ", error.message());
    const bool is_public = reference.domain() == "docker.io";
    const bool is_unreachable = error.is(ErrorCode::Unavailable) || error.is(ErrorCode::TimedOut);
    error = std::move(error).with_context(concat("pull ", reference.familiar()));
    if (is_public && is_unreachable)
        error = std::move(error).with_hint(
            "where no public registry is in reach, `berth image bootstrap debian:bookworm` makes a "
            "base image");
    return error;
}

std::string version_of(const oci::Reference& reference) {
    return reference.has_digest() ? reference.digest().to_string() : reference.tag();
}

/// One image under a lease, whose end lets go of what need not stay.
Result<oci::Descriptor> pull_leased(Store::Implementation& store, remote::Repository& repository,
                                    const oci::Reference& reference, const PullOptions& options,
                                    const ProgressSink& progress, const std::stop_token& stop) {
    content::Lease lease = store.services_.content.lease();
    Puller puller(store, repository, lease, progress, stop);
    auto pulled = puller.pull(version_of(reference), options.platform);
    if (pulled.is_error()) return in_dockers_words(std::move(pulled).error(), reference);
    const oci::Descriptor target = std::move(*pulled);
    bool was_there = false;
    {
        const std::lock_guard lock(store.names_mutex_);
        for (const auto& existing : TRY(store.names_of(target.digest)))
            was_there = was_there || existing.reference == reference.to_string();
        TRY(store.save_image(target, "", Provenance::Pulled));
        TRY(store.save_name(reference, target.digest, Provenance::Pulled));
    }
    if (!puller.is_artifact())
        TRY(store.complete(TRY(store.open_image(target, options.platform)), lease,
                           options.credentials, stop));
    TRY(store.note_source(reference, puller.blobs(),
                          access_with(options.credentials, reference.domain()),
                          Provenance::Pulled));
    store.emit("pull", reference.familiar(), reference.familiar_name());
    progress({.status = concat("Digest: ", target.digest)});
    progress(
        {.status = concat(
             "Status: ", was_there ? "Image is up to date for " : "Downloaded newer image for ",
             reference.familiar())});
    return target;
}

}  // namespace

Result<oci::Digest> Store::pull(std::string_view name, const PullOptions& options,
                                const ProgressSink& progress, std::stop_token stop) {
    const oci::Reference wanted = TRY(oci::Reference::parse(name));
    auto repository = TRY(implementation_->services_.registries.open(wanted, remote::Access::Pull,
                                                                     options.credentials));
    std::vector<oci::Reference> references;
    if (options.all_tags) {
        for (const auto& tag : TRY(repository->tags(stop)))
            references.push_back(wanted.with_tag(tag));
    } else {
        references.push_back(wanted.with_default_tag());
    }
    oci::Digest last;
    for (const auto& reference : references) {
        const auto target =
            TRY(pull_leased(*implementation_, *repository, reference, options, progress, stop));
        implementation_->drop_layer_blobs_of(target);
        last = target.digest;
    }
    return last;
}

}  // namespace berth::image
