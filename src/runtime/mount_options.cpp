#include "runtime/mount_options.h"

#include <sys/mount.h>

#include "base/text.h"

namespace berth::runtime {
namespace {

// One word and the attributes it sets and clears. The access time modes are one field of three
// bits, so each of them clears the field first.
struct Attribute {
    std::string_view word;
    std::uint64_t set;
    std::uint64_t clear;
};

constexpr std::uint64_t atime_field = MOUNT_ATTR__ATIME;

constexpr Attribute attributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"noatime", MOUNT_ATTR_NOATIME, atime_field},
    {"atime", MOUNT_ATTR_RELATIME, atime_field},
    {"relatime", MOUNT_ATTR_RELATIME, atime_field},
    {"norelatime", MOUNT_ATTR_STRICTATIME, atime_field},
    {"strictatime", MOUNT_ATTR_STRICTATIME, atime_field},
    {"nostrictatime", MOUNT_ATTR_RELATIME, atime_field},
};

struct Propagation {
    std::string_view word;
    std::uint64_t flag;
};
constexpr Propagation propagations[] = {{"private", MS_PRIVATE},
                                        {"slave", MS_SLAVE},
                                        {"shared", MS_SHARED},
                                        {"unbindable", MS_UNBINDABLE}};

// Words that mean something elsewhere, or nothing at all here.
constexpr std::string_view ignored[] = {
    "defaults", "remount", "loud", "silent", "async",   "nomand", "noiversion", "nolazytime",
    "auto",     "noauto",  "user", "nouser", "_netdev", "z",      "Z",          "U"};
constexpr std::string_view superblock_flags[] = {"sync", "dirsync", "mand", "lazytime", "iversion"};

template <std::size_t N>
bool contains(const std::string_view (&words)[N], std::string_view word) {
    for (const auto& entry : words) {
        if (entry == word) return true;
    }
    return false;
}

void apply(const Attribute& attribute, std::uint64_t& set, std::uint64_t& clear) {
    // The last word about a bit counts.
    set = (set & ~(attribute.clear | attribute.set)) | attribute.set;
    clear = (clear & ~attribute.set) | attribute.clear;
}

bool parse_attribute(std::string_view word, MountOptions& out) {
    for (const auto& attribute : attributes) {
        if (attribute.word == word) {
            apply(attribute, out.set, out.clear);
            return true;
        }
        if (word.starts_with('r') && word.substr(1) == attribute.word) {
            apply(attribute, out.recursive_set, out.recursive_clear);
            return true;
        }
    }
    return false;
}

bool parse_flag(std::string_view word, MountOptions& out) {
    if (word == "bind") return out.bind = true;
    if (word == "rbind") return out.bind = out.recursive_bind = true;
    if (word == "tmpcopyup") return out.copy_up = true;
    if (word == "idmap") return out.idmap = true;
    if (word == "tryidmap") return out.idmap = out.idmap_is_optional = true;
    if (word == "ridmap") return out.idmap = out.recursive_idmap = true;
    return false;
}

}  // namespace

bool MountOptions::is_read_only() const { return ((set | recursive_set) & MOUNT_ATTR_RDONLY) != 0; }

const std::string* MountOptions::find_data(std::string_view key) const {
    for (const auto& option : data) {
        if (option.key == key) return &option.value;
    }
    return nullptr;
}

bool parse_propagation(std::string_view word, MountOptions& out) {
    for (const auto& propagation : propagations) {
        const bool is_recursive = word.starts_with('r') && word.substr(1) == propagation.word;
        if (word != propagation.word && !is_recursive) continue;
        out.propagation = propagation.flag;
        out.recursive_propagation = is_recursive;
        return true;
    }
    return false;
}

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options) {
    MountOptions out;
    for (const auto& word : options) {
        if (word.empty() || contains(ignored, word)) continue;
        if (parse_attribute(word, out) || parse_flag(word, out) || parse_propagation(word, out))
            continue;
        if (contains(superblock_flags, word)) {
            out.data.push_back({.key = word});
        } else if (const auto pair = split_once(word, '=')) {
            if (pair->first.empty())
                return fail(ErrorCode::InvalidArgument, "mount option ", word, " has no name");
            if (pair->first == "idmap") {
                out.idmap = true;
            } else if (pair->first == "beneath") {
                out.beneath = pair->second;
            } else {
                out.data.push_back(
                    {.key = std::string(pair->first), .value = std::string(pair->second)});
            }
        } else {
            out.data.push_back({.key = word});
        }
    }
    return out;
}

std::vector<std::string> known_mount_options() {
    std::vector<std::string> names;
    for (const auto& attribute : attributes) {
        names.emplace_back(attribute.word);
        names.push_back(concat('r', attribute.word));
    }
    for (const auto& propagation : propagations) {
        names.emplace_back(propagation.word);
        names.push_back(concat('r', propagation.word));
    }
    for (const std::string_view word :
         {"bind", "rbind", "tmpcopyup", "idmap", "ridmap", "defaults", "remount"})
        names.emplace_back(word);
    for (const auto& word : superblock_flags) names.emplace_back(word);
    return names;
}

}  // namespace berth::runtime
