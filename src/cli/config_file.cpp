#include "cli/config_file.h"

#include <unistd.h>

#include <algorithm>

#include "cli/credential_helper.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

constexpr std::string_view hub_key = "https://index.docker.io/v1/";

// "auth" is base64 of "user:password".
api::AuthConfig read_entry(const codec::Json& entry, const std::string& registry) {
    api::AuthConfig auth;
    auth.server_address = registry;
    auth.identity_token = codec::get_string(entry, "identitytoken");
    auth.registry_token = codec::get_string(entry, "registrytoken");
    if (const auto plain = codec::decode_base64(codec::get_string(entry, "auth"))) {
        if (const auto parts = split_once(*plain, ':')) {
            auth.username = parts->first;
            auth.password = parts->second;
        }
    }
    if (auth.username.empty()) auth.username = codec::get_string(entry, "username");
    if (auth.password.empty()) auth.password = codec::get_string(entry, "password");
    return auth;
}

codec::Json make_entry(const api::AuthConfig& auth) {
    codec::Json entry = codec::Json::object();
    entry["auth"] = codec::encode_base64(
        concat(auth.username, ":", auth.identity_token.empty() ? auth.password : ""));
    if (!auth.identity_token.empty()) entry["identitytoken"] = auth.identity_token;
    return entry;
}

}  // namespace

std::string registry_key(std::string_view registry) {
    std::string_view host = registry;
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
    }
    host = host.substr(0, host.find('/'));
    if (host.empty() || host == "docker.io" || host == "index.docker.io" ||
        host == "registry-1.docker.io") {
        return std::string(hub_key);
    }
    return std::string(host);
}

ConfigFile::ConfigFile(std::string path)
    : path_(std::move(path)), json_(std::make_unique<codec::Json>(codec::Json::object())) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

std::string ConfigFile::default_folder(const client::Environment& environment) {
    for (const char* name : {"BERTH_CONFIG", "DOCKER_CONFIG"}) {
        const auto found = environment.find(name);
        if (found != environment.end() && !found->second.empty()) return found->second;
    }
    const auto home = environment.find("HOME");
    return (home == environment.end() || home->second.empty() ? std::string("/root")
                                                              : home->second) +
           "/.docker";
}

Result<ConfigFile> ConfigFile::load(const std::string& folder) {
    ConfigFile file(folder + "/config.json");
    auto text = sys::read_file(file.path_);
    if (!text) {
        if (text.error().is(ErrorCode::NotFound)) return file;
        return std::move(text).context("read ", file.path_).error();
    }
    if (trim(*text).empty()) return file;
    *file.json_ = TRY(codec::parse_json(*text)
                          .context(file.path_)
                          .hint("repair the file, or give another folder with --config"));
    if (!file.json_->is_object())
        return fail(ErrorCode::InvalidArgument, file.path_, ": not a JSON object");
    return file;
}

std::string ConfigFile::text(std::string_view name) const {
    return codec::get_string(*json_, name);
}

std::string ConfigFile::helper_for(const std::string& registry) const {
    const std::string key = registry_key(registry);
    if (const auto* helpers = codec::find_member(*json_, "credHelpers")) {
        for (const auto& name : {key, registry}) {
            if (const std::string helper = codec::get_string(*helpers, name); !helper.empty())
                return helper;
        }
        if (key == hub_key) {
            if (const std::string helper = codec::get_string(*helpers, "docker.io");
                !helper.empty())
                return helper;
        }
    }
    return text("credsStore");
}

Result<api::AuthConfig> ConfigFile::credentials(const std::string& registry) const {
    const std::string key = registry_key(registry);
    if (const std::string helper = helper_for(registry); !helper.empty()) {
        auto found = TRY(CredentialHelper(helper).get(key));
        if (found) return std::move(*found);
    }
    const auto* auths = codec::find_member(*json_, "auths");
    if (auths == nullptr) return api::AuthConfig{};
    for (const auto& [name, entry] : auths->items()) {
        if (registry_key(name) != key) continue;
        auto auth = read_entry(entry, key);
        if (!auth.is_empty()) return auth;
    }
    return api::AuthConfig{};
}

std::vector<std::string> ConfigFile::registries() const {
    std::vector<std::string> out;
    for (const char* member : {"auths", "credHelpers"}) {
        const auto* entries = codec::find_member(*json_, member);
        if (entries == nullptr || !entries->is_object()) continue;
        for (const auto& [name, entry] : entries->items()) {
            if (std::find(out.begin(), out.end(), registry_key(name)) == out.end())
                out.push_back(registry_key(name));
        }
    }
    return out;
}

std::string ConfigFile::plain_logins() const {
    codec::Json entries = codec::Json::object();
    for (const auto& registry : registries()) {
        const auto auth = credentials(registry);
        if (auth && !auth->is_empty()) entries[registry] = make_entry(*auth);
    }
    return entries.empty() ? "" : codec::dump_json(codec::Json{{"auths", std::move(entries)}});
}

Result<> ConfigFile::store(const std::string& registry, const api::AuthConfig& auth) {
    const std::string key = registry_key(registry);
    codec::Json entry = codec::Json::object();
    if (const std::string helper = helper_for(registry); !helper.empty())
        TRY(CredentialHelper(helper).store(key, auth));
    else
        entry = make_entry(auth);
    (*json_)["auths"][key] = std::move(entry);
    return save();
}

Result<bool> ConfigFile::erase(const std::string& registry) {
    const std::string key = registry_key(registry);
    bool erased = false;
    if (const std::string helper = helper_for(registry); !helper.empty()) {
        TRY(CredentialHelper(helper).erase(key));
        erased = true;
    }
    if (json_->contains("auths") && (*json_)["auths"].is_object() &&
        (*json_)["auths"].erase(key) > 0) {
        TRY(save());
        erased = true;
    }
    return erased;
}

Result<> ConfigFile::save() const {
    TRY(sys::mkdir_all(path_.substr(0, path_.rfind('/')), 0700));
    return sys::write_file_atomic(path_, codec::dump_json_pretty(*json_, 1) + "\n", 0600)
        .context("write ", path_);
}

}  // namespace berth::cli
