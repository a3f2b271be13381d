#include "api/exec.h"

#include "api/fields_internal.h"

namespace berth::api {

template <typename Visitor>
void describe(Visitor& field, ExecCreateRequest& value) {
    field("User", value.user);
    field("Privileged", value.privileged);
    field("Tty", value.tty);
    field.omit_empty("ConsoleSize", value.console_size);
    field("AttachStdin", value.attach_stdin);
    field("AttachStderr", value.attach_stderr);
    field("AttachStdout", value.attach_stdout);
    field("DetachKeys", value.detach_keys);
    field.nullable("Env", value.env);
    field("WorkingDir", value.working_dir);
    field("Cmd", value.cmd);
}

template <typename Visitor>
void describe(Visitor& field, ExecStartRequest& value) {
    field("Detach", value.detach);
    field("Tty", value.tty);
    field.omit_empty("ConsoleSize", value.console_size);
}

std::string ExecCreateRequest::to_json() const { return detail::write(*this); }
Result<ExecCreateRequest> ExecCreateRequest::parse(std::string_view json) {
    return detail::read<ExecCreateRequest>(json);
}
std::string ExecStartRequest::to_json() const { return detail::write(*this); }
Result<ExecStartRequest> ExecStartRequest::parse(std::string_view json) {
    return detail::read<ExecStartRequest>(json);
}

}  // namespace berth::api
