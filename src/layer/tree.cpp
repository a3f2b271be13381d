#include "layer/tree.h"

#include <algorithm>

#include "layer/path.h"

namespace berth::layer {
namespace {
/// As the kernel's MAXSYMLINKS.
constexpr int max_links = 40;
/// Deeper trees cannot be reached by a path of 4096 bytes.
constexpr std::size_t max_components = 2048;
}  // namespace

Tree::Tree() {
    create(codec::TarType::Directory);
    nodes_[0].nlink = 1;
}

std::uint32_t Tree::create(codec::TarType type) {
    Node& node = nodes_.emplace_back();
    node.type = type;
    if (type == codec::TarType::Directory) {
        node.children = std::make_unique<std::unordered_map<std::string, std::uint32_t>>();
    }
    parents_.push_back(0);
    return size() - 1;
}

std::optional<std::uint32_t> Tree::child(std::uint32_t directory, const std::string& name) const {
    const auto& children = *nodes_[directory].children;
    const auto found = children.find(name);
    if (found == children.end()) return std::nullopt;
    return found->second;
}

Result<Tree::Walk> Tree::walk(std::vector<std::string> components) const {
    std::reverse(components.begin(), components.end());  // the next one is at the back
    Walk walk;
    int links = 0;
    while (!components.empty()) {
        const std::string name = std::move(components.back());
        components.pop_back();
        if (name == "..") {
            if (walk.rest.empty()) {
                walk.directory = parents_[walk.directory];
            } else {
                walk.rest.pop_back();
            }
            continue;
        }
        const auto found = walk.rest.empty() ? child(walk.directory, name) : std::nullopt;
        if (!found || nodes_[*found].is_whiteout) {
            walk.rest.push_back(name);
            continue;
        }
        const Node& node = nodes_[*found];
        if (node.type == codec::TarType::Directory) {
            walk.directory = *found;
            continue;
        }
        if (node.type != codec::TarType::Symlink) {
            return fail(ErrorCode::InvalidArgument, "\"", name, "\" is not a directory");
        }
        if (++links > max_links)
            return fail(ErrorCode::InvalidArgument, "too many symbolic links in the path");
        if (node.target.starts_with('/')) walk.directory = 0;
        auto parts = split(node.target, '/');
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            if (part->size() > max_name_bytes)
                return fail(ErrorCode::InvalidArgument, "a name is too long");
            if (!part->empty() && *part != ".") components.push_back(std::move(*part));
        }
        if (components.size() > max_components) {
            return fail(ErrorCode::InvalidArgument, "symbolic links make the path too long");
        }
    }
    return walk;
}

Result<Tree::Slot> Tree::locate(std::string_view path) {
    auto components = TRY(split_path(path));
    if (components.empty()) return Slot();
    Slot slot;
    slot.name = std::move(components.back());
    components.pop_back();
    const Walk walk = TRY(this->walk(std::move(components)));
    slot.directory = walk.directory;
    for (const std::string& name : walk.rest) {
        const std::uint32_t made = create(codec::TarType::Directory);
        const auto hidden = child(slot.directory, name);  // only a whiteout can be here
        nodes_[made].is_opaque = hidden.has_value();
        put({slot.directory, name}, made);
        slot.directory = made;
    }
    return slot;
}

Result<std::optional<std::uint32_t>> Tree::find(std::string_view path) const {
    auto components = TRY(split_path(path));
    if (components.empty()) return std::optional<std::uint32_t>(0);
    const std::string name = std::move(components.back());
    components.pop_back();
    const Walk walk = TRY(this->walk(std::move(components)));
    if (!walk.rest.empty()) return std::optional<std::uint32_t>();
    return child(walk.directory, name);
}

void Tree::put(const Slot& slot, std::uint32_t index) {
    auto& children = *nodes_[slot.directory].children;
    auto [place, is_new] = children.try_emplace(slot.name, index);
    nodes_[index].nlink += 1;
    if (!is_new) remove(std::exchange(place->second, index));
    if (nodes_[index].type == codec::TarType::Directory) parents_[index] = slot.directory;
}

void Tree::remove(std::uint32_t index) {
    std::vector<std::uint32_t> pending = {index};
    while (!pending.empty()) {
        Node& node = nodes_[pending.back()];
        pending.pop_back();
        if (--node.nlink > 0 || !node.children) continue;
        for (const auto& entry : *node.children) pending.push_back(entry.second);
        node.children->clear();
    }
}

}  // namespace berth::layer
