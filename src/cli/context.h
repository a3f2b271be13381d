#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/config_file.h"
#include "client/client.h"
#include "client/host.h"

namespace berth::cli {

/// What every command may need: the environment, standard streams, the engine and the user's
/// configuration.
class Context {
public:
    explicit Context(client::Environment environment) : environment_(std::move(environment)) {}

    /// -H
    void set_host(std::string host) { host_ = std::move(host); }
    const std::string& host_flag() const { return host_; }
    void set_config_folder(std::string folder) { config_folder_ = std::move(folder); }
    void set_docker_defaults(bool enabled) { docker_defaults_ = enabled; }
    /// Whether Docker's own defaults are wanted where Berth's differ.
    bool docker_defaults() const { return docker_defaults_; }

    /// The engine, connected on first use and started by need.
    Result<const client::Client*> engine();
    /// ~/.docker/config.json or what stands in for it, read on first use.
    Result<ConfigFile*> config();

    const client::Environment& environment() const { return environment_; }
    std::string variable(const std::string& name) const;

    bool is_output_terminal() const;
    bool is_error_terminal() const;
    bool is_input_terminal() const;
    /// Data for the user or the next program: standard output. Fails when nobody reads any more.
    Result<> print(std::string_view text) const;
    Result<> print_line(std::string_view text) const;
    /// Messages: standard error.
    void note(std::string_view text) const;
    /// "berth: message" and "hint: ...", on standard error.
    void complain(const Error& error) const;
    /// "WARNING: ..."
    void warn(std::string_view text) const;

private:
    client::Environment environment_;
    std::string host_;
    std::string config_folder_;
    bool docker_defaults_ = false;
    std::optional<client::Client> engine_;
    std::optional<ConfigFile> config_;
};

/// Runs one command line, without the program's name; the value is the exit code.
int run_command_line(std::vector<std::string> words, client::Environment environment);

/// A time as the API wants it (unix seconds, maybe with a fraction), from RFC 3339, a date, unix
/// seconds or a duration back from now; "" stays "".
Result<std::string> parse_time_flag(const std::string& text, std::string_view flag);

/// Calls `act` for each name. Prints each name that went well (unless it printed something itself:
/// then `act` returns another text), complains about each that did not; 1 when any failed.
Result<int> for_each_name(Context& context, std::span<const std::string> names,
                          const std::function<Result<std::string>(const std::string& name)>& act);

}  // namespace berth::cli
