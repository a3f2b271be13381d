#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "codec/tar.h"

namespace berth::layer {

/// Where an inode lies in the image being written: an offset into one of its metadata segments.
struct InodePlace {
    std::uint32_t segment = 0;
    std::uint32_t offset = 0;
};

/// What is kept in memory of one file of a layer. Content and everything that does not change any
/// more is on disk.
struct Node {
    codec::TarType type = codec::TarType::Directory;
    std::uint32_t nlink = 0;
    InodePlace place;

    // Directories only: their inodes are written last.
    std::uint32_t mode = 0755;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime_seconds = 0;
    std::uint32_t mtime_nanoseconds = 0;
    bool is_opaque = false;
    std::vector<std::pair<std::string, std::string>> xattrs;
    std::unique_ptr<std::unordered_map<std::string, std::uint32_t>> children;

    // Symbolic links only: entries may have them in their path.
    std::string target;
    bool is_whiteout = false;
};

/// The names of a layer while it is being written. Nothing is extracted, so that no path can
/// escape: a link in an entry's path is followed within this tree, as if its root were "/". Nodes
/// are called by index; 0 is the root.
class Tree {
public:
    Tree();
    Node& node(std::uint32_t index) { return nodes_[index]; }
    const Node& node(std::uint32_t index) const { return nodes_[index]; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }

    struct Slot {
        std::uint32_t directory = 0;
        std::string name;  ///< empty for the root itself
    };
    /// Where an entry of this path goes: follows links in all components but the last and makes
    /// missing directories (0755 root:root). InvalidArgument when a component is a file, or links
    /// lead round in a circle.
    Result<Slot> locate(std::string_view path);
    /// The node at the path, found as locate() would but making nothing; nullopt when there is
    /// none.
    Result<std::optional<std::uint32_t>> find(std::string_view path) const;
    std::optional<std::uint32_t> child(std::uint32_t directory, const std::string& name) const;

    /// A node of its own in no directory yet.
    std::uint32_t create(codec::TarType type);
    /// Names a node. What had the name before is removed with everything below it.
    void put(const Slot& slot, std::uint32_t index);

private:
    struct Walk {
        std::uint32_t directory = 0;
        std::vector<std::string> rest;  ///< components that do not exist, first to last
    };
    Result<Walk> walk(std::vector<std::string> components) const;
    void remove(std::uint32_t index);

    std::deque<Node> nodes_;
    std::vector<std::uint32_t> parents_;
};

}  // namespace berth::layer
