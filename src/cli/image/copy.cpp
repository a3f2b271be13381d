#include <map>
#include <optional>

#include "cli/archive/input.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/image/layout.h"
#include "cli/image/pull.h"
#include "cli/interrupt.h"
#include "cli/output/file_output.h"
#include "cli/output/progress.h"
#include "cli/registry/credentials.h"
#include "codec/json.h"
#include "oci/reference.h"

// Images between registries, the engine, OCI layouts and archives.
namespace berth::cli {

namespace {

struct Place {
    enum class Kind { Registry, Engine, Layout, Archive };
    Kind kind = Kind::Engine;
    std::string where;  ///< a reference, or the path of a folder or file
    std::string name;   ///< the image in a layout or archive; may be empty
    bool is_tar_stream() const { return kind == Kind::Layout || kind == Kind::Archive; }
};

Result<Place> parse_place(const std::string& text) {
    static constexpr std::pair<std::string_view, Place::Kind> schemes[] = {
        {"docker://", Place::Kind::Registry},
        {"oci:", Place::Kind::Layout},
        {"oci-archive:", Place::Kind::Archive}};
    for (const auto& [scheme, kind] : schemes) {
        if (!text.starts_with(scheme)) continue;
        Place place{.kind = kind, .where = text.substr(scheme.size()), .name = {}};
        const auto colon = place.where.find(':');
        if (place.is_tar_stream() && colon != std::string::npos) {
            place.name = place.where.substr(colon + 1);
            place.where.erase(colon);
        }
        if (place.where.empty())
            return fail(ErrorCode::InvalidArgument, "\"", text, "\" names nothing");
        if (!place.is_tar_stream()) TRY(oci::Reference::parse(place.where));
        return place;
    }
    for (const std::string_view other :
         {"docker-archive:", "containers-storage:", "dir:", "docker-daemon:"}) {
        if (text.starts_with(other))
            return fail(ErrorCode::InvalidArgument, "there is no transport ", other)
                .with_hint(
                    "docker:// is a registry, oci: a folder, oci-archive: a file, and a "
                    "name alone an image of the engine");
    }
    return Place{.kind = Place::Kind::Engine, .where = text, .name = {}};
}

class Copy {
public:
    Copy(Context& context, const Flags& flags, Place from, Place to)
        : context_(context),
          from_(std::move(from)),
          to_(std::move(to)),
          platform_(flags.text("platform")),
          is_quiet_(flags.is_set("quiet")) {
        if (to_.kind != Place::Kind::Archive || to_.where != "-") interrupt_.emplace();
    }

    Result<> run() {
        // An image of the engine may have come from any registry, and have to come again.
        if (from_.kind == Place::Kind::Engine) auths_ = TRY(all_logins(context_));
        for (const Place* place : {&from_, &to_}) {
            if (place->kind != Place::Kind::Registry) continue;
            const auto reference = TRY(oci::Reference::parse(place->where));
            auths_[reference.domain()] = TRY(credentials_for_image(context_, place->where));
        }
        if (to_.kind == Place::Kind::Registry && !from_.is_tar_stream()) return to_registry();
        if (to_.kind == Place::Kind::Engine && !from_.is_tar_stream()) return to_engine();
        if (from_.is_tar_stream()) {
            auto source = from_.kind == Place::Kind::Layout
                              ? TRY(read_layout(from_.where))
                              : TRY(input_of(context_, from_.where, stop()));
            return deliver(chosen(std::move(source)));
        }
        const auto* engine = TRY(context_.engine());
        return connect(
            [&](const client::BytesSink& sink) -> Result<> {
                return from_.kind == Place::Kind::Registry
                           ? engine->copy_to_archive(from_.where, platform_, auths_, sink, stop())
                           : engine->save_images({from_.where}, platform_, auths_, sink, stop());
            },
            [&](client::BytesSource tar) { return deliver(chosen(std::move(tar))); });
    }

private:
    std::stop_token stop() const { return interrupt_ ? interrupt_->token() : std::stop_token(); }

    client::ProgressSink show() {
        return [this](const api::ProgressMessage& message) { return printer_.show(message); };
    }

    /// What an engine calls an image is a whole name.
    client::BytesSource chosen(client::BytesSource tar) const {
        const std::string new_name = to_.kind == Place::Kind::Engine ? to_.where : to_.name;
        auto chosen = choose_image(std::move(tar), {.name = from_.name, .new_name = new_name});
        return [chosen = std::move(chosen), stop = stop()]() -> Result<std::string> {
            if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            return chosen();
        };
    }

    Result<> deliver(client::BytesSource tar) {
        if (to_.kind == Place::Kind::Layout) return write_layout(std::move(tar), to_.where);
        if (to_.kind == Place::Kind::Archive) {
            auto output = TRY(FileOutput::open(context_, to_.where));
            const auto sink = output.sink();
            for (;;) {
                const std::string piece = TRY(tar());
                if (piece.empty()) break;
                TRY(sink(piece));
            }
            return std::move(output).commit();
        }
        const auto* engine = TRY(context_.engine());
        return to_.kind == Place::Kind::Registry
                   ? engine->copy_from_archive(tar, to_.where, platform_, auths_, show(), stop())
                   : engine->load_images(tar, is_quiet_, platform_, show(), stop());
    }

    Result<> to_registry() {
        const codec::Json body{{"from", from_.where},
                               {"to", to_.where},
                               {"local", from_.kind == Place::Kind::Engine},
                               {"platform", platform_}};
        const auto* engine = TRY(context_.engine());
        return engine->copy_image(codec::dump_json(body), auths_, show(), stop());
    }

    Result<> to_engine() {
        if (from_.kind == Place::Kind::Registry)
            TRY(pull_image(context_, from_.where, {.platform = platform_, .quiet = is_quiet_}));
        return TRY(context_.engine())->tag_image(from_.where, to_.where);
    }

    /// Made before threads, which inherit its mask. Without one where nothing has to be tidied up:
    /// to standard output a signal just ends the command, also while its reader does not read.
    std::optional<Interrupt> interrupt_;
    Context& context_;
    Place from_, to_;
    std::string platform_;
    bool is_quiet_;
    ProgressPrinter printer_{context_, {.quiet = is_quiet_}};
    std::map<std::string, api::AuthConfig> auths_;
};

Result<int> run_copy(Context& context, const Flags& flags) {
    auto from = TRY(parse_place(flags.argument(0)));
    auto to = TRY(parse_place(flags.argument(1)));
    TRY(Copy(context, flags, std::move(from), std::move(to)).run());
    return 0;
}

}  // namespace

Command image_copy_command() {
    return {
        .name = "copy",
        .arguments = "SOURCE TARGET",
        .summary =
            "Copy an image between registries (docker://NAME), the engine (NAME), OCI "
            "layouts (oci:FOLDER[:NAME]) and archives (oci-archive:FILE[:NAME])",
        .example =
            "berth image copy docker://debian:bookworm docker://reg.local:5000/debian:bookworm\n"
            "berth image copy app:1 oci:layout:app:1\n"
            "berth image copy oci-archive:app.tar docker://reg.local:5000/app:1",
        .flags = {{.name = "platform",
                   .kind = FlagKind::Text,
                   .help = "Only the variant for this platform"},
                  {.name = "quiet", .letter = 'q', .help = "Print nothing"}},
        .least = 2,
        .most = 2,
        .run = run_copy};
}

}  // namespace berth::cli
