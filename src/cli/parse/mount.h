#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/container.h"
#include "base/result.h"

namespace berth::cli {

/// -v: "SOURCE:TARGET[:OPTIONS]", or "TARGET" alone for an anonymous volume.
struct VolumeFlag {
    std::string source;  ///< an absolute path, a volume's name, or "" for an anonymous volume
    std::string target;
    std::string options;  ///< "ro,z"
    bool is_bind() const { return source.starts_with('/'); }
    /// As HostConfig.Binds wants it.
    std::string to_string() const;
    bool operator==(const VolumeFlag&) const = default;
};

/// Sources that start with "." or "~" are completed with `working_folder` and `home`.
/// InvalidArgument names the part that is wrong.
Result<VolumeFlag> parse_volume(std::string_view text, std::string_view working_folder,
                                std::string_view home);

/// --mount type=bind,src=/a,dst=/b,readonly. Quotes work as in CSV.
Result<api::Mount> parse_mount(std::string_view text, std::string_view working_folder);

/// One line of CSV: commas inside double quotes do not separate; "" inside quotes is one quote.
Result<std::vector<std::string>> split_csv(std::string_view line);

/// A path without ".", ".." and double slashes; relative ones are below `folder`.
std::string absolute_path(std::string_view path, std::string_view folder);

}  // namespace berth::cli
