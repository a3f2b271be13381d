#include "container/users.h"

#include <algorithm>

#include "base/text.h"
#include "sys/file.h"

namespace berth::container {
namespace {

constexpr std::size_t max_account_file = 10 << 20;
constexpr std::uint64_t max_id = 0xFFFFFFFE;

Result<std::string> read_account_file(sys::BorrowedFd root, const std::string& path) {
    auto file = sys::open_regular_in_root(root, path);
    if (!file) {
        const ErrorCode code = file.error().code();
        if (code == ErrorCode::NotFound) return std::string();
        return std::move(file).error();
    }
    return sys::read_all(*file, max_account_file);
}

// Calls `visit(fields)` for each line with at least `count` fields until it returns true.
template <typename Visit>
bool find_line(const std::string& text, std::size_t count, Visit visit) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = trim(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (line.empty() || line.front() == '#') continue;
        const std::vector<std::string> fields = split(line, ':');
        if (fields.size() >= count && visit(fields)) return true;
    }
    return false;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
    const auto number = parse_uint(text);
    if (!number || *number > max_id) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

bool looks_like_number(std::string_view text) {
    const std::size_t start = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    return text.size() > start &&
           std::ranges::all_of(text.substr(start), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::uint32_t> resolve_group(const AccountFiles& files, std::string_view group) {
    if (looks_like_number(group)) {
        const auto id = parse_id(group);
        if (!id)
            return fail(ErrorCode::InvalidArgument, "gids must be in range 0-4294967294: ", group);
        return *id;
    }
    std::optional<std::uint32_t> found;
    find_line(files.group, 3, [&](const std::vector<std::string>& fields) {
        if (fields[0] != group) return false;
        found = parse_id(fields[2]);
        return found.has_value();
    });
    if (!found)
        return fail(ErrorCode::InvalidArgument, "unable to find group ", group,
                    ": no matching entries in group file");
    return *found;
}

void add_memberships(const AccountFiles& files, const std::string& name, ResolvedUser& out) {
    find_line(files.group, 4, [&](const std::vector<std::string>& fields) {
        const std::vector<std::string> members = split(fields[3], ',');
        const auto id = parse_id(fields[2]);
        if (id && std::ranges::find(members, name) != members.end()) out.groups.push_back(*id);
        return false;
    });
}

}  // namespace

Result<AccountFiles> read_account_files(sys::BorrowedFd root) {
    AccountFiles files;
    files.passwd = TRY(read_account_file(root, "/etc/passwd"));
    files.group = TRY(read_account_file(root, "/etc/group"));
    return files;
}

Result<ResolvedUser> resolve_user(const AccountFiles& files, std::string_view user,
                                  const std::vector<std::string>& group_add) {
    const auto parts = split_once(user, ':');
    const std::string_view wanted = parts ? parts->first : user;
    ResolvedUser out;
    std::string name;
    const bool is_number = looks_like_number(wanted);
    if (is_number) {
        const auto id = parse_id(wanted);
        if (!id)
            return fail(ErrorCode::InvalidArgument, "uids must be in range 0-4294967294: ", wanted);
        out.uid = *id;
    }
    const bool by_id = is_number || wanted.empty();
    const bool found = find_line(files.passwd, 6, [&](const std::vector<std::string>& fields) {
        const auto uid = parse_id(fields[2]), gid = parse_id(fields[3]);
        if (!uid || !gid || (by_id ? *uid != out.uid : fields[0] != wanted)) return false;
        name = fields[0];
        out.uid = *uid;
        out.gid = *gid;
        out.home = fields[5];
        return true;
    });
    if (!found && !by_id) {
        return fail(ErrorCode::InvalidArgument, "unable to find user ", wanted,
                    ": no matching entries in passwd file");
    }
    if (out.home.empty()) out.home = out.uid == 0 && !found ? "/root" : "/";
    if (parts && !parts->second.empty()) {
        // A group given by hand replaces what the files say.
        out.gid = TRY(resolve_group(files, parts->second));
    } else if (!name.empty()) {
        add_memberships(files, name, out);
    }
    for (const std::string& group : group_add)
        out.groups.push_back(TRY(resolve_group(files, group)));
    std::ranges::sort(out.groups);
    out.groups.erase(std::ranges::unique(out.groups).begin(), out.groups.end());
    return out;
}

}  // namespace berth::container
