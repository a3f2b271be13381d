#include <fcntl.h>
#include <unistd.h>

#include "cli/archive/pack.h"
#include "cli/archive/unpack.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/parse/mount.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/stream.h"

namespace berth::cli {

namespace {

struct Place {
    std::string container;  ///< "" for this machine
    std::string path;
};

Place parse_place(const std::string& text) {
    const auto colon = text.find(':');
    // "./a:b" and "/a:b" are paths here, "c:/path" is in container c.
    if (colon == std::string::npos || colon == 0 || text.starts_with('/') || text.starts_with('.'))
        return {{}, text};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string base_name(const std::string& path) {
    const std::string clean = absolute_path(path, "/");
    return clean.substr(clean.rfind('/') + 1);
}

std::string parent_of(const std::string& path) {
    const std::string clean = absolute_path(path, "/");
    const auto slash = clean.rfind('/');
    return slash == 0 ? "/" : clean.substr(0, slash);
}

bool means_content(const std::string& path) { return path.ends_with("/.") || path == "."; }

Result<std::string> here() { return sys::readlink("/proc/self/cwd"); }

Result<int> copy_out(Context& context, const Flags& flags, const Place& from,
                     const std::string& to) {
    const auto* engine = TRY(context.engine());
    if (to == "-") {
        TRY(engine->copy_from(from.container, from.path, [](std::string_view bytes) {
            return sys::write_all(STDOUT_FILENO, bytes);
        }));
        return 0;
    }
    std::string source = from.path;
    if (flags.is_set("follow-link")) {
        const auto stat = TRY(engine->stat_path(from.container, source));
        if (!stat.link_target.empty()) source = absolute_path(stat.link_target, parent_of(source));
    }
    const auto source_stat = TRY(engine->stat_path(from.container, source));
    const std::string target = absolute_path(to, TRY(here()));
    auto existing = sys::stat(target);
    const bool is_folder = existing && S_ISDIR(existing->st_mode);
    if (to.ends_with('/') && !is_folder && !source_stat.is_directory()) {
        return fail(ErrorCode::NotFound, "there is no folder ", to);
    }
    if (existing && !is_folder && source_stat.is_directory()) {
        return fail(ErrorCode::Conflict, "cannot copy a folder over the file ", to);
    }
    std::string folder, name;
    if (is_folder && !means_content(from.path)) {
        folder = target, name = base_name(source);
        if (name.empty()) name = ".";
    } else if (is_folder) {
        folder = target;
    } else {
        folder = parent_of(target), name = base_name(target);
    }
    if (name == ".") name.clear();
    // The archive is held in a file without a name, so that a broken transfer leaves the target as
    // it was.
    const auto archive = TRY(sys::open_unnamed_file(
        context.variable("TMPDIR").empty() ? "/tmp" : context.variable("TMPDIR")));
    TRY(engine->copy_from(from.container, source,
                          [&](std::string_view bytes) { return sys::write_all(archive, bytes); }));
    TRY(sys::seek(archive, 0, SEEK_SET));
    TRY(unpack(archive, folder, name, flags.is_set("archive")));
    return 0;
}

Result<int> copy_in(Context& context, const Flags& flags, const std::string& from,
                    const Place& to) {
    const auto* engine = TRY(context.engine());
    const client::Client::CopyToOptions options{.copy_uid_gid = flags.is_set("archive"),
                                                .no_overwrite_dir_non_dir = true};
    auto target = engine->stat_path(to.container, to.path);
    if (!target && !target.error().is(ErrorCode::NotFound)) return std::move(target).error();
    const bool is_folder = target && (target->is_directory() || !target->link_target.empty());
    if (from == "-") {
        if (!is_folder)
            return fail(ErrorCode::InvalidArgument,
                        "the target must be a folder when the archive comes from standard input");
        TRY(engine->copy_to(
            to.container, to.path,
            []() -> Result<std::string> {
                std::string piece(64 << 10, '\0');
                piece.resize(
                    TRY(sys::read(STDIN_FILENO, std::as_writable_bytes(std::span(piece)))));
                return piece;
            },
            options));
        return 0;
    }
    const std::string source = absolute_path(from, TRY(here()));
    const auto status = TRY(sys::stat(source).context("copy ", from));
    if (!is_folder && to.path.ends_with('/') && !S_ISDIR(status.st_mode)) {
        return fail(ErrorCode::NotFound, "there is no folder ", to.path, " in container ",
                    to.container);
    }
    if (target && !is_folder && S_ISDIR(status.st_mode))
        return fail(ErrorCode::Conflict, "cannot copy a folder over the file ", to.path);
    PackRequest request{.folder = source,
                        .keep_owner = flags.is_set("archive"),
                        .follow_top_link = flags.is_set("follow-link")};
    std::string folder = to.path;
    if (is_folder) {
        request.name = means_content(from) ? "" : base_name(source);
    } else {
        request.name = base_name(to.path);
        folder = parent_of(to.path);
    }
    TRY(engine->copy_to(to.container, folder, TRY(pack(std::move(request))), options));
    return 0;
}

Result<int> run_cp(Context& context, const Flags& flags) {
    const Place from = parse_place(flags.argument(0)), to = parse_place(flags.argument(1));
    if (from.container.empty() == to.container.empty()) {
        return fail(ErrorCode::InvalidArgument, "one side must be in a container, and only one")
            .with_hint("write CONTAINER:/path for that side");
    }
    return from.container.empty() ? copy_in(context, flags, from.path, to)
                                  : copy_out(context, flags, from, to.path);
}

}  // namespace

Command cp_command() {
    return {.name = "cp",
            .arguments = "CONTAINER:PATH LOCAL_PATH|-  or  LOCAL_PATH|- CONTAINER:PATH",
            .summary = "Copy files between a container and this machine",
            .example = "berth cp web:/etc/nginx/nginx.conf .\nberth cp ./site/. web:/srv",
            .flags = {{.name = "archive", .letter = 'a', .help = "Keep owners"},
                      {.name = "follow-link", .letter = 'L', .help = "Copy what a link leads to"},
                      {.name = "quiet", .letter = 'q', .help = "Accepted for compatibility"}},
            .least = 2,
            .most = 2,
            .run = run_cp};
}

}  // namespace berth::cli
