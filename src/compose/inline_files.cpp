#include "compose/inline_files.h"

#include "codec/stream.h"
#include "codec/tar.h"

namespace berth::compose {

using codec::YamlNode;

namespace {

struct InlineFile {
    std::string target;
    std::string content;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0444;
};

Result<std::string> content_of(const Project& project, const YamlNode& definition,
                               const std::string& name) {
    if (const YamlNode* content = definition.find("content")) return content->scalar;
    const YamlNode* variable = definition.find("environment");
    const auto found = project.environment.find(variable->scalar);
    if (found == project.environment.end()) {
        return fail(ErrorCode::InvalidArgument, "\"", name, "\" comes from the variable ",
                    variable->scalar, ", which is not set");
    }
    return found->second;
}

Result<> collect(const Project& project, const Service& service, std::string_view key,
                 const YamlNode& definitions, std::vector<InlineFile>& out) {
    const YamlNode* grants = service.definition.find(key);
    for (const auto& grant : grants ? grants->items : std::vector<YamlNode>{}) {
        const std::string& name = grant.find("source")->scalar;
        const YamlNode* definition = definitions.find(name);
        if (!definition || (!definition->find("content") && !definition->find("environment")))
            continue;
        InlineFile file{.target = grant.find("target")->scalar,
                        .content = TRY(content_of(project, *definition, name))};
        const auto number = [&](std::string_view member, std::uint32_t fallback) {
            const YamlNode* value = grant.find(member);
            return value ? static_cast<std::uint32_t>(parse_uint(value->scalar).value_or(fallback))
                         : fallback;
        };
        file.uid = number("uid", 0);
        file.gid = number("gid", 0);
        if (const YamlNode* mode = grant.find("mode"))
            file.mode = parse_octal(mode->scalar).value_or(file.mode);
        out.push_back(std::move(file));
    }
    return {};
}

}  // namespace

Result<> copy_inline_files(const client::Client& client, const Project& project,
                           const Service& service, const std::string& container) {
    std::vector<InlineFile> files;
    TRY(collect(project, service, "secrets", project.secrets, files)
            .context("service ", service.name, ": secret"));
    TRY(collect(project, service, "configs", project.configs, files)
            .context("service ", service.name, ": config"));
    if (files.empty()) return {};
    codec::StringSink archive;
    codec::TarWriter tar(archive);
    for (const auto& file : files) {
        codec::TarEntry entry;
        entry.path = file.target.substr(1);
        entry.mode = file.mode;
        entry.uid = file.uid;
        entry.gid = file.gid;
        entry.bytes = file.content.size();
        TRY(tar.add(entry, file.content));
    }
    TRY(tar.finish());
    bool is_sent = false;
    return client
        .copy_to(container, "/",
                 [&]() -> Result<std::string> {
                     if (is_sent) return std::string();
                     is_sent = true;
                     return archive.take();
                 },
                 {})
        .context("copy secrets and configs of ", service.name);
}

}  // namespace berth::compose
