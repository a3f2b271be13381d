#pragma once
#include <functional>
#include <string>

#include "container/spec.h"
#include "shim/protocol.h"

// What --log-driver and --log-opt ask for.
namespace berth::container {

/// Whose log it is, for the driver's tag and fields.
struct LogSubject {
    std::string id, name, image, image_id, hostname;
    std::vector<std::string> env;
    StringMap labels;
};
/// The address of a host's name.
using ResolveHost = std::function<Result<std::string>(const std::string& name)>;

/// Names of the drivers that there are, as `info` lists them.
std::vector<std::string> log_drivers();
/// The options of a container: its own over `defaults`, which belong to `default_driver`.
/// InvalidArgument in Docker's words for a driver or an option that does not exist.
Result<LogConfig> choose_log(const LogConfig& wanted, const std::string& default_driver,
                             const StringMap& defaults);
/// "key=value" of the labels and variables that the options labels, labels-regex, env and env-regex
/// name. The patterns are POSIX extended regular expressions. InvalidArgument for one that is none.
Result<std::vector<std::string>> log_fields(const LogConfig& log, const StringMap& labels,
                                            const std::vector<std::string>& env);
/// For the shim. Whatever the driver, the file at `path` is kept, so that `logs` works; with driver
/// none there is neither. InvalidArgument for a value that makes no sense, Unavailable when a
/// host's name has no address.
Result<shim::LogSettings> plan_log(const LogConfig& log, const LogSubject& subject,
                                   const std::string& path, const ResolveHost& resolve);

}  // namespace berth::container
