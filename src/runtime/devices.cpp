#include "runtime/devices.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/path.h"
#include "base/text.h"
#include "runtime/in_root.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::runtime {

std::vector<oci::RuntimeDevice> devices_of(const oci::RuntimeSpec& spec) {
    const auto usual = [](const char* path, std::int64_t major, std::int64_t minor) {
        return oci::RuntimeDevice{
            .type = "c", .path = path, .major = major, .minor = minor, .file_mode = 0666};
    };
    std::vector<oci::RuntimeDevice> devices = {
        usual("/dev/null", 1, 3),   usual("/dev/zero", 1, 5),    usual("/dev/full", 1, 7),
        usual("/dev/random", 1, 8), usual("/dev/urandom", 1, 9), usual("/dev/tty", 5, 0)};
    for (const auto& device : spec.linux_config.devices) {
        const auto same = std::find_if(
            devices.begin(), devices.end(),
            [&](const oci::RuntimeDevice& other) { return other.path == device.path; });
        if (same != devices.end()) {
            *same = device;
        } else {
            devices.push_back(device);
        }
    }
    return devices;
}

namespace {

bool is_node_of(const oci::RuntimeDevice& device, const std::string& path) {
    struct stat status;
    const bool is_block = device.type == "b";
    return ::lstat(path.c_str(), &status) == 0 &&
           (is_block ? S_ISBLK(status.st_mode) : S_ISCHR(status.st_mode)) &&
           status.st_rdev ==
               makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
}

std::optional<std::string> search_node(const oci::RuntimeDevice& device,
                                       const std::string& directory, int depth) {
    const auto entries = sys::list_dir(directory);
    if (!entries) return std::nullopt;
    for (const auto& entry : *entries) {
        std::string path = concat(directory, "/", entry.name);
        if (entry.type != DT_DIR && is_node_of(device, path)) return path;
    }
    for (const auto& entry : *entries) {
        if (entry.type != DT_DIR || depth == 0) continue;
        if (auto found = search_node(device, concat(directory, "/", entry.name), depth - 1))
            return found;
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> find_host_node(const oci::RuntimeDevice& device) {
    if (is_node_of(device, device.path)) return device.path;
    constexpr int folders_below_dev = 2;
    if (auto found = search_node(device, "/dev", folders_below_dev)) return *found;
    return fail(ErrorCode::NotFound, "device ", device.path, ": the host has no node of ",
                device.major, ":", device.minor, " to show in a user namespace");
}

Result<sys::Fd> open_unchangeable_null() {
    const sys::DetachedMount node = TRY(sys::clone_tree("/dev/null"));
    TRY(sys::set_attributes(node.fd(), {.set = MOUNT_ATTR_RDONLY}));
    return sys::reopen(node.fd(), O_RDWR);
}

namespace {

// Where a device goes: the directory to make it in, and its name there.
struct Spot {
    sys::Fd directory;
    std::string name;
};

Result<Spot> spot_of(const std::string& path, sys::BorrowedFd root, sys::BorrowedFd dev) {
    const std::string clean = clean_absolute_path(path);
    const bool is_in_dev = clean.starts_with("/dev/");
    const std::string below = is_in_dev ? clean.substr(4) : clean;
    const auto slash = below.rfind('/');
    Spot spot{.directory = {}, .name = below.substr(slash + 1)};
    if (spot.name.empty()) return fail(ErrorCode::InvalidArgument, "a device at ", path);
    spot.directory =
        TRY(ensure_directory(is_in_dev ? dev : root, slash == 0 ? "/" : below.substr(0, slash)));
    return spot;
}

Result<mode_t> node_type(const std::string& type) {
    if (type == "c" || type == "u") return S_IFCHR;
    if (type == "b") return S_IFBLK;
    if (type == "p") return S_IFIFO;
    return fail(ErrorCode::InvalidArgument, "unknown device type ", type);
}

// The image may have something at this name; what is not exactly the device is taken away.
Result<> make_node(const Spot& spot, const oci::RuntimeDevice& device) {
    const mode_t mode = TRY(node_type(device.type)) | (device.file_mode.value_or(0666) & 07777);
    const dev_t number =
        makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    const mode_t old_mask = ::umask(0);
    Result<> made = sys::mknod_at(spot.directory, spot.name, mode, number);
    if (made.is_error() && made.error().is(ErrorCode::AlreadyExists)) {
        made = sys::unlink_at(spot.directory, spot.name);
        if (made) made = sys::mknod_at(spot.directory, spot.name, mode, number);
    }
    ::umask(old_mask);
    TRY(std::move(made));
    if (device.uid.value_or(0) == 0 && device.gid.value_or(0) == 0) return {};
    return sys::chown_at(spot.directory, spot.name, device.uid.value_or(0), device.gid.value_or(0));
}

Result<> bind_device(const Spot& spot, const sys::DetachedMount& tree) {
    const sys::Fd target = TRY(ensure_file(spot.directory, "/" + spot.name));
    return tree.attach(target);
}

void make_link(sys::BorrowedFd dev, const std::string& target, const std::string& name) {
    sys::symlink_at(target, dev, name).ignore("an image that has something there keeps it");
}

void make_links(sys::BorrowedFd dev) {
    make_link(dev, "/proc/self/fd", "fd");
    make_link(dev, "/proc/self/fd/0", "stdin");
    make_link(dev, "/proc/self/fd/1", "stdout");
    make_link(dev, "/proc/self/fd/2", "stderr");
    if (::access("/proc/kcore", F_OK) == 0) make_link(dev, "/proc/kcore", "core");
    sys::unlink_at(dev, "ptmx").ignore("there is none yet");
    make_link(dev, "pts/ptmx", "ptmx");
}

}  // namespace

Result<> make_devices(const Preparation& preparation, sys::BorrowedFd root, sys::BorrowedFd dev) {
    if (preparation.devices.empty()) {
        for (const auto& device : devices_of(preparation.spec)) {
            const Spot spot = TRY(spot_of(device.path, root, dev).context("device ", device.path));
            TRY(make_node(spot, device).context("device ", device.path));
        }
    }
    for (const auto& device : preparation.devices) {
        const Spot spot = TRY(spot_of(device.path, root, dev).context("device ", device.path));
        TRY(bind_device(spot, device.tree).context("device ", device.path));
    }
    make_links(dev);
    return {};
}

}  // namespace berth::runtime
