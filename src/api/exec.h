#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::api {

/// The body of `POST /containers/{id}/exec`.
struct ExecCreateRequest {
    std::string user;
    bool privileged = false, tty = false;
    std::optional<std::array<int, 2>> console_size;  // rows, columns
    bool attach_stdin = false, attach_stderr = false, attach_stdout = false;
    std::string detach_keys;
    std::vector<std::string> env;
    std::string working_dir;
    std::vector<std::string> cmd;
    std::string to_json() const;
    static Result<ExecCreateRequest> parse(std::string_view json);
};

/// The body of `POST /exec/{id}/start`.
struct ExecStartRequest {
    bool detach = false, tty = false;
    std::optional<std::array<int, 2>> console_size;
    std::string to_json() const;
    static Result<ExecStartRequest> parse(std::string_view json);
};

}  // namespace berth::api
