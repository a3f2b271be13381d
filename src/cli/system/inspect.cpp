#include "cli/system/inspect.h"

#include "cli/commands.h"
#include "cli/output/format.h"

namespace berth::cli {

std::vector<Flag> inspect_flags() {
    return {{.name = "format",
             .letter = 'f',
             .kind = FlagKind::Text,
             .help = "json, or a Go template"}};
}

Result<int> inspect_each(Context& context, const Flags& flags,
                         const std::function<Result<codec::Json>(const std::string& name)>& look) {
    const std::string format = flags.text("format");
    codec::Json all = codec::Json::array();
    int code = 0;
    for (const auto& name : flags.arguments()) {
        auto document = look(name);
        if (!document) {
            context.complain(document.error());
            code = 1;
            continue;
        }
        if (format.empty())
            all.push_back(std::move(*document));
        else
            TRY(context.print(TRY(render_document(format, *document))));
    }
    if (format.empty()) TRY(context.print_line(codec::dump_json_pretty(all)));
    return code;
}

namespace {

struct Kind {
    std::string_view name;
    std::function<Result<codec::Json>(const client::Client&, const std::string&, bool size)> look;
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> list = {
        {"container", [](const client::Client& e, const std::string& n,
                         bool size) { return e.inspect_container(n, size); }},
        {"image",
         [](const client::Client& e, const std::string& n, bool) { return e.inspect_image(n); }},
        {"network",
         [](const client::Client& e, const std::string& n, bool) { return e.inspect_network(n); }},
        {"volume",
         [](const client::Client& e, const std::string& n, bool) { return e.inspect_volume(n); }},
    };
    return list;
}

Result<int> run_inspect(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const std::string type = flags.text("type");
    const bool size = flags.is_set("size");
    bool is_known = type.empty();
    for (const Kind& kind : kinds()) is_known = is_known || kind.name == type;
    if (!is_known) {
        return fail(ErrorCode::InvalidArgument, "unknown type \"", type,
                    "\": container, image, network and volume are known");
    }
    return inspect_each(context, flags, [&](const std::string& name) -> Result<codec::Json> {
        for (const Kind& kind : kinds()) {
            if (!type.empty() && kind.name != type) continue;
            auto document = kind.look(*engine, name, size);
            if (document || !document.error().is(ErrorCode::NotFound) || !type.empty())
                return document;
        }
        return fail(ErrorCode::NotFound, "No such object: ", name);
    });
}

Result<int> run_inspect_container(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return inspect_each(context, flags, [&](const std::string& name) {
        return engine->inspect_container(name, flags.is_set("size"));
    });
}

}  // namespace

Command inspect_command() {
    auto flags = inspect_flags();
    flags.push_back({.name = "size", .letter = 's', .help = "Sizes of containers too"});
    flags.push_back({.name = "type",
                     .kind = FlagKind::Text,
                     .help = "Only look for a container, image, network or volume"});
    return {.name = "inspect",
            .arguments = "NAME|ID [NAME|ID...]",
            .summary = "Show everything about containers, images, networks or volumes",
            .example = "berth inspect -f '{{.State.Status}}' web",
            .flags = std::move(flags),
            .least = 1,
            .most = any_number,
            .run = run_inspect};
}

Command inspect_container_command() {
    auto flags = inspect_flags();
    flags.push_back({.name = "size", .letter = 's', .help = "Sizes too"});
    return {.name = "inspect",
            .arguments = "CONTAINER [CONTAINER...]",
            .summary = "Show everything about containers",
            .example = "berth container inspect web",
            .flags = std::move(flags),
            .least = 1,
            .most = any_number,
            .run = run_inspect_container};
}

}  // namespace berth::cli
