#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace berth::build::dockerfile {

// A Dockerfile as values: instructions with their flags and words as written, variables not yet
// expanded. Dockerfile reference, format of docker/dockerfile 1.20.

/// Where something stands in the file; lines and columns count from 1, columns in bytes.
struct Place {
    int line = 0;
    int column = 0;
    int end_line = 0;
    int length = 1;  // bytes to underline
};

/// The text between `<<NAME` and `NAME`.
struct Heredoc {
    std::string name;
    std::string content;  // tabs are stripped already for `<<-`
    bool expand = true;   // false when the name was quoted
    bool strip_tabs = false;
    int line = 0;  // of the content's first line
};

/// CMD, ENTRYPOINT, RUN, HEALTHCHECK CMD: an array of words, or a line for the shell.
struct CommandLine {
    bool is_exec_form = false;
    std::vector<std::string> words;  // shell form: exactly one
};

struct KeyValue {
    std::string key;
    std::optional<std::string> value;  // ARG may have none
    Place place;
};

enum class MountKind { Bind, Cache, Tmpfs, Secret, Ssh };
enum class MountSharing { Shared, Private, Locked };

/// RUN --mount=. `id`, `from`, `source` and `target` may hold variables.
struct RunMount {
    MountKind kind = MountKind::Bind;
    std::string id, from, source, target;
    std::string env;  // Secret: the variable that gets it, instead of or beside the file
    MountSharing sharing = MountSharing::Shared;
    bool read_only = false;  // Bind is read-only unless "rw" is given
    bool required = false;
    std::optional<std::uint32_t> uid, gid, mode;
    std::int64_t size_bytes = 0;
    Place place;
};

struct From {
    std::string platform, image, name;
};
struct Arg {
    std::vector<KeyValue> variables;
};
struct Env {
    std::vector<KeyValue> variables;
};
struct Label {
    std::vector<KeyValue> labels;
};
struct Run {
    CommandLine command;
    std::vector<Heredoc> heredocs;
    std::vector<RunMount> mounts;
    std::string network;   // "", "default", "none", "host"
    std::string security;  // "", "sandbox", "insecure"
};
/// COPY and ADD.
struct Copy {
    bool is_add = false;
    std::vector<std::string> sources;  // paths, URLs; heredocs stand in `heredocs`
    std::vector<Heredoc> heredocs;
    std::string destination;
    std::string from, chown, chmod, checksum;
    std::vector<std::string> excludes;
    bool link = false, parents = false, keep_git_dir = false;
    std::optional<bool> unpack;
};
struct Expose {
    std::vector<std::string> ports;
};
struct User {
    std::string user;
};
struct Workdir {
    std::string path;
};
struct Volume {
    std::vector<std::string> paths;
};
struct StopSignal {
    std::string signal;
};
struct Cmd {
    CommandLine command;
};
struct Entrypoint {
    CommandLine command;
};
struct Shell {
    std::vector<std::string> words;
};
struct Healthcheck {
    bool none = false;
    CommandLine command;
    std::chrono::nanoseconds interval{0}, timeout{0}, start_period{0}, start_interval{0};
    int retries = 0;
};
struct OnBuild {
    std::string instruction;  // text, parsed when an image is built FROM this one
};
struct Maintainer {
    std::string name;
};

using Body = std::variant<From, Arg, Env, Label, Run, Copy, Expose, User, Workdir, Volume,
                          StopSignal, Cmd, Entrypoint, Shell, Healthcheck, OnBuild, Maintainer>;

struct Instruction {
    std::string keyword;  // upper case
    std::string text;     // keyword and arguments on one line, for progress and history
    Place place;
    Body body;
};

struct Stage {
    From from;
    std::string name;    // lower case; "" when it has none
    Instruction origin;  // the FROM
    std::vector<Instruction> instructions;
};

struct Warning {
    std::string rule;  // BuildKit's name of the check: "LegacyKeyValueFormat"
    std::string message;
    Place place;
};

struct Dockerfile {
    std::string syntax;
    char escape = '\\';
    std::vector<Instruction> global_args;  // ARGs before the first FROM
    std::vector<Stage> stages;
    std::vector<Warning> warnings;
};

}  // namespace berth::build::dockerfile
