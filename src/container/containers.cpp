#include "container/containers.h"

#include "codec/tar.h"
#include "container/implementation_internal.h"
#include "container/names.h"
#include "image/store.h"
#include "network/manager.h"
#include "snapshot/driver.h"
#include "sys/file.h"

namespace berth::container {

Containers::Implementation::~Implementation() {
    services_.networks.on_names_changed({});
    // No more messages first, then no more work.
    hub_.reset();
}

Result<> Containers::Implementation::make_base_layer() {
    codec::StringSink archive;
    codec::TarWriter tar(archive);
    const auto add = [&](const char* path, codec::TarType type, std::uint32_t mode) {
        codec::TarEntry entry;
        entry.type = type;
        entry.path = path;
        entry.mode = mode;
        return tar.add(entry);
    };
    for (const char* directory : {"dev/", "etc/"})
        TRY(add(directory, codec::TarType::Directory, 0755));
    for (const char* file : {"etc/hostname", "etc/hosts", "etc/resolv.conf"})
        TRY(add(file, codec::TarType::File, 0644));
    for (const char* directory : {"proc/", "sys/"})
        TRY(add(directory, codec::TarType::Directory, 0555));
    TRY(tar.finish());
    codec::MemorySource source(archive.text());
    base_layer_ = TRY(services_.snapshots.apply(source, {}, {})).diff_id;
    return {};
}

Result<> Containers::Implementation::open() {
    for (const char* directory : {"/containers", "/trash"})
        TRY(sys::mkdir_all(settings_.root + directory, 0700));
    for (const char* directory : {"/shims", "/seccomp"})
        TRY(sys::mkdir_all(settings_.run + directory, 0700));
    TRY(make_base_layer().context("base layer"));
    services_.images.add_root_provider([this](image::Roots& roots) {
        roots.diff_ids.insert(base_layer_);
        roots.fixed.insert(base_layer_);
        for (const ContainerPtr& container : all())
            roots.diff_ids.insert(container->layers.begin(), container->layers.end());
    });
    services_.images.add_layer_maker([this](const oci::Digest& diff_id) -> Result<bool> {
        if (diff_id != base_layer_) return false;
        TRY(make_base_layer());
        return true;
    });
    hub_ = TRY(shim::Hub::open(settings_.libexec + "/berth-shim",
                               [this](const std::string& id, const shim::Message* message) {
                                   on_shim_message(id, message);
                               }));
    services_.networks.on_names_changed([this](std::span<const std::string> ids) {
        for (const std::string& id : ids) {
            if (auto container = find(id)) push_names(**container);
        }
    });
    TRY(reconcile());
    claim_user_ranges();
    return {};
}

Containers::Containers(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Containers::~Containers() = default;

Result<std::unique_ptr<Containers>> Containers::open(const Services& services, Settings settings) {
    auto implementation = std::make_unique<Implementation>(services, std::move(settings));
    TRY(implementation->open());
    return std::unique_ptr<Containers>(new Containers(std::move(implementation)));
}

Result<CreateResult> Containers::create(const std::string& name, ContainerSpec spec,
                                        std::stop_token stop) {
    return implementation_->create(name, std::move(spec), stop);
}

Result<> Containers::rename(std::string_view key, const std::string& name) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const std::string wanted(name.starts_with('/') ? name.substr(1) : name);
    if (wanted.empty())
        return fail(ErrorCode::InvalidArgument, "Neither old nor new names may be empty");
    TRY(check_name(wanted));
    const std::lock_guard operation(container->operation);
    const std::string old = container->name();
    if (old == wanted)
        return fail(ErrorCode::InvalidArgument,
                    "Renaming a container with the same name as its current name");
    TRY(implementation_->reserve_name(wanted, container->id));
    container->live.lock()->name = wanted;
    if (auto saved = implementation_->save_spec(*container); !saved) {
        container->live.lock()->name = old;
        implementation_->release_name(wanted);
        return saved;
    }
    implementation_->release_name(old);
    implementation_->services_.networks.rename(container->id, wanted)
        .ignore("names are made anew at the next start");
    implementation_->emit(*container, "rename", {{"oldName", "/" + old}});
    return {};
}

}  // namespace berth::container
