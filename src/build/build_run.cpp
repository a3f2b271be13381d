// One build: context, Dockerfile, plan, solve, image. What is shared by all builds is in
// builder.cpp.
#include "build/build_run.h"

#include "base/random.h"
#include "build/dockerfile/parse.h"
#include "build/ops/layer_executor.h"
#include "build/ops/local_tree.h"
#include "container/step.h"
#include "oci/image_config.h"

namespace berth::build {
namespace {

constexpr std::string_view history_comment = "buildkit.dockerfile.v0";

dockerfile::CompileOptions options_of(const BuildRequest& request) {
    dockerfile::CompileOptions options;
    options.target = request.target;
    options.build_platform = oci::Platform::host();
    options.platform = request.platform.is_empty() ? options.build_platform : request.platform;
    for (const auto& [name, value] : request.args) options.args[name] = value;
    options.labels = request.labels;
    options.named_contexts = request.named_contexts;
    options.no_cache = request.no_cache;
    options.no_cache_stages.insert(request.no_cache_filter.begin(), request.no_cache_filter.end());
    options.allow_host_network = request.allow_host_network;
    options.allow_insecure = request.allow_insecure;
    return options;
}

}  // namespace

namespace {
/// A context that does not fit into memory is unpacked in the data root.
class MeteredSource final : public codec::ByteSource {
public:
    MeteredSource(codec::ByteSource* source, content::Store& content)
        : source_(source), content_(content) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t got = TRY(source_->read(buffer));
        TRY(content_.take_room(got));
        return got;
    }

private:
    codec::ByteSource* source_;
    content::Store& content_;
};
}  // namespace

Result<BuildResult> BuildRun::perform(Shared shared, const BuildRequest& request,
                                      std::stop_token stop) {
    const std::string id = random_hex(8);
    auto log = TRY(BuildLog::create(shared.logs, id));
    BuildRun run(shared, request, id, std::move(log), std::move(stop));
    return run.run();
}

BuildRun::~BuildRun() {
    auto kept = kept_layers_.lock();
    auto in_use = shared_.layers_in_use.lock();
    for (const auto& diff_id : *kept) in_use->erase(in_use->find(diff_id));
}

void BuildRun::keep_layer(const oci::Digest& diff_id) {
    kept_layers_.lock()->push_back(diff_id);
    shared_.layers_in_use.lock()->insert(diff_id);
}

Result<std::vector<oci::Reference>> BuildRun::parse_tags() const {
    std::vector<oci::Reference> out;
    for (const auto& tag : request_.tags) {
        const auto reference = TRY(oci::Reference::parse(tag).context("invalid tag \"", tag, "\""));
        if (reference.has_digest())
            return fail(ErrorCode::InvalidArgument, "invalid tag \"", tag,
                        "\": a digest can not be a tag");
        out.push_back(reference.with_default_tag());
    }
    return out;
}

Result<BuildResult> BuildRun::run() {
    if (request_.squash)
        return fail(ErrorCode::Unsupported, "--squash is not supported")
            .with_hint("use a multi-stage build, or FROM scratch and COPY --from");
    const auto tags = TRY(parse_tags());
    MeteredSource source_of_context(request_.context, shared_.services.content);
    BuildRequest metered = request_;
    if (request_.context != nullptr) metered.context = &source_of_context;
    const auto context = TRY(prepare_context(metered, shared_.temp_root, shared_.transfers, stop_));
    const dockerfile::Source source(context.dockerfile_name, context.dockerfile);
    const auto file = TRY(dockerfile::parse(source));
    const auto plan = TRY(make_plan(file, source));
    BuildResult result{
        .image = {}, .references = {}, .warnings = {}, .build_id = id_, .log_path = log_.path()};
    for (const auto& warning : plan.warnings)
        result.warnings.push_back(
            concat(warning.rule, ": ", warning.message, " (line ", warning.place.line, ")"));
    if (request_.check_only) return result;
    announce(plan);

    LayerExecutor executor(
        {.services = shared_.services,
         .request = request_,
         .temp_root = shared_.temp_root,
         .build_id = id_,
         .context = std::make_shared<DirectoryTree>(context.path),
         .ignored = context.ignored,
         .images = images_,
         .cache_mounts = shared_.cache_mounts,
         .transfers = shared_.transfers,
         .slots = shared_.slots,
         .made_layer = [this](const image::Layer& layer) { keep_layer(layer.diff_id); },
         .output =
             [this](const Vertex& vertex, int stream, std::string_view bytes) {
                 log_.output(vertex.step, bytes);
                 send({.kind = ProgressKind::Output,
                       .step = vertex.step,
                       .text = std::string(bytes),
                       .stream = stream});
             },
         .command_failed =
             [this](const Vertex& vertex, const FailedCommand& command) {
                 const std::lock_guard lock(mutex_);
                 failed_commands_.emplace(vertex.step, command);
             }});
    // Until the cache has a row for it, nothing else keeps a new layer's blob.
    auto lease = shared_.services.content.lease();
    for (const auto& [digest, image] : images_)
        for (const auto& layer : image.layers) lease.protect(layer.blob.digest);
    Solver solver(plan.graph, executor, shared_.cache, shared_.clock, observer(plan));
    auto tree = solver.solve(plan.root, stop_);
    shared_.cache.touch(solver.used_keys(), shared_.clock.now())
        .ignore("only the order of pruning depends on it");
    if (tree.is_error()) {
        if (const auto failed = solver.failed_vertex())
            return explain(plan, source, plan.graph.at(*failed), tree.error());
        return std::move(tree).error();
    }
    finish_unseen(plan);
    result.image = TRY(commit(plan, solver, *tree, tags).context("export image"));
    for (const auto& tag : tags) result.references.push_back(tag.familiar());
    return result;
}

Result<dockerfile::Plan> BuildRun::make_plan(const dockerfile::Dockerfile& file,
                                             const dockerfile::Source& source) {
    auto options = options_of(request_);
    options.resolve = [this](const std::string& name, const oci::Platform& platform) {
        return resolve(name, platform);
    };
    return dockerfile::compile(file, source, options);
}

Result<dockerfile::ResolvedImage> BuildRun::resolve(const std::string& name,
                                                    const oci::Platform& platform) {
    auto& images = shared_.services.images;
    const oci::Platform wanted = platform == oci::Platform::host() ? oci::Platform{} : platform;
    auto image = images.resolve(name, wanted);
    const bool absent = image.is_error() && image.error().is(ErrorCode::NotFound);
    if (image.is_error() && !absent) return std::move(image).error();
    if (absent || request_.pull) {
        const auto progress = [this](const image::Progress& event) {
            Progress status{
                .kind = ProgressKind::Status,
                .text = event.id.empty() ? event.status : event.id + ": " + event.status};
            status.current = event.current;
            status.total = event.total;
            send(std::move(status));
        };
        auto pulled = images.pull(
            name, {.platform = wanted, .all_tags = false, .credentials = request_.credentials},
            progress, stop_);
        // An image that exists only here cannot be pulled, and need not be.
        if (pulled.is_error() && absent) return std::move(pulled).error().with_context(name);
        if (pulled) image = images.resolve(name, wanted);
        if (image.is_error()) return std::move(image).error();
    }
    for (const auto& layer : image->layers) keep_layer(layer.diff_id);
    TRY(images.touch(image->id));
    TRY(images.ensure_layers(*image, stop_));
    images_.insert_or_assign(image->manifest.digest.to_string(), *image);
    const auto reference = oci::Reference::parse(name);
    return dockerfile::ResolvedImage{
        .reference = reference ? reference->with_default_tag().to_string() : name,
        .manifest = image->manifest.digest,
        .config = *image->config};
}

Error BuildRun::explain(const dockerfile::Plan& plan, const dockerfile::Source& source,
                        const Vertex& vertex, const Error& error) {
    const dockerfile::Step& step = plan.steps[vertex.step];
    std::string text = step.place.line ? source.describe(step.place, error.message())
                                       : concat(step.info.name, ": ", error.message(), "\n");
    const std::string tail = log_.tail(vertex.step);
    if (!tail.empty()) text += concat("last output of ", step.info.name, ":\n", tail);
    if (std::holds_alternative<ExecOp>(vertex.op)) text += concat("the whole log: ", log_.path());
    while (text.ends_with('\n')) text.pop_back();
    log_.note(text);
    return Error(error.code(), std::move(text)).with_hint(error.hint());
}

Result<image::Image> BuildRun::commit(const dockerfile::Plan& plan, const Solver& solver,
                                      const Tree& tree, const std::vector<oci::Reference>& tags) {
    oci::ImageConfig config = plan.config;
    // Times come from what made the layers, so that a build that found everything in the cache
    // gives the same image.
    std::optional<Timestamp> created;
    for (const auto& record : config.history)
        if (record.created) created = record.created;
    for (const auto& item : plan.history) {
        const Tree* made = item.vertex == no_vertex ? nullptr : solver.result(item.vertex);
        if (made && made->created) created = made->created;
        if (!created) created = shared_.clock.now();
        config.history.push_back({.created = created,
                                  .created_by = item.created_by,
                                  .author = {},
                                  .comment = std::string(history_comment),
                                  .empty_layer = !made || !made->added});
    }
    config.created = created ? created : shared_.clock.now();
    config.diff_ids.clear();
    for (const auto& layer : tree.layers) config.diff_ids.push_back(layer.diff_id);
    image::NewImage image;
    image.config_json = config.to_json();
    if (auto existing = find_existing(image.config_json, tags)) return std::move(*existing);
    image.layers = tree.layers;
    image.oci_media_types = request_.oci_media_types;
    for (const auto& tag : tags) image.references.push_back(tag.to_string());
    return shared_.services.images.commit(std::move(image));
}

// The image that all tags name already, when it is what was built: then nothing has to be written.
std::optional<image::Image> BuildRun::find_existing(const std::string& config_json,
                                                    const std::vector<oci::Reference>& tags) {
    std::optional<image::Image> found;
    for (const auto& tag : tags) {
        auto image = shared_.services.images.resolve(tag.to_string(), request_.platform);
        if (!image || *image->config_json != config_json || (found && found->id != image->id))
            return std::nullopt;
        const bool is_oci = image->manifest.media_type.starts_with("application/vnd.oci.");
        if (is_oci != request_.oci_media_types) return std::nullopt;
        found = std::move(*image);
    }
    return found;
}

void BuildRun::send(Progress event) {
    const std::lock_guard lock(mutex_);
    if (request_.progress) request_.progress(event);
}

void BuildRun::send_to_aliases(const dockerfile::Plan& plan, const Progress& event) {
    for (const auto& [first, other] : plan.aliases) {
        if (first != event.step) continue;
        Progress copy = event;
        copy.step = other;
        {
            const std::lock_guard lock(mutex_);
            seen_.insert(other);
        }
        send(std::move(copy));
    }
}

void BuildRun::announce(const dockerfile::Plan& plan) {
    Progress event{.kind = ProgressKind::Plan};
    for (const auto& step : plan.steps) event.steps.push_back(step.info);
    send(std::move(event));
}

// An instruction that means the same as another has no vertex of its own.
void BuildRun::finish_unseen(const dockerfile::Plan& plan) {
    for (const auto& step : plan.steps) {
        if (step.info.metadata_only || seen_.contains(step.info.id)) continue;
        send({.kind = ProgressKind::Cached, .step = step.info.id});
    }
}

SolverObserver BuildRun::observer(const dockerfile::Plan& plan) {
    const auto mark = [this](const Vertex& vertex) {
        const std::lock_guard lock(mutex_);
        return seen_.insert(vertex.step).second;
    };
    const auto short_id = [](const Tree& tree) {
        return tree.layers.empty() ? std::string() : tree.layers.back().diff_id.short_hex();
    };
    const auto is_own = [](const Vertex& vertex) {
        return !std::holds_alternative<ScratchSource>(vertex.op) &&
               !std::holds_alternative<HttpSource>(vertex.op);
    };
    return {
        .started =
            [=, this, &plan](const Vertex& vertex) {
                if (!is_own(vertex)) return;
                mark(vertex);
                log_.note(plan.steps[vertex.step].info.name);
                const Progress event{.kind = ProgressKind::Started, .step = vertex.step};
                send(event);
                send_to_aliases(plan, event);
            },
        .cached =
            [=, this, &plan](const Vertex& vertex, const Tree& tree) {
                mark(vertex);
                if (tree.added) keep_layer(tree.added->diff_id);
                log_.note(plan.steps[vertex.step].info.name + " CACHED");
                const Progress event{
                    .kind = ProgressKind::Cached, .step = vertex.step, .result = short_id(tree)};
                send(event);
                send_to_aliases(plan, event);
            },
        .finished =
            [=, this, &plan](const Vertex& vertex, const Tree& tree, double seconds) {
                if (!is_own(vertex)) return;
                const Progress event{.kind = ProgressKind::Finished,
                                     .step = vertex.step,
                                     .seconds = seconds,
                                     .result = short_id(tree)};
                send(event);
                send_to_aliases(plan, event);
            },
        .failed =
            [this](const Vertex& vertex, const Error& error) {
                if (error.is(ErrorCode::Cancelled))
                    return send({.kind = ProgressKind::Cancelled, .step = vertex.step});
                Progress event{
                    .kind = ProgressKind::Failed, .step = vertex.step, .text = error.message()};
                {
                    const std::lock_guard lock(mutex_);
                    if (const auto found = failed_commands_.find(vertex.step);
                        found != failed_commands_.end())
                        event.failed_command = found->second;
                }
                send(event);
            },
    };
}

}  // namespace berth::build
