#include "shim/process_status.h"

#include <signal.h>

#include <charconv>

#include "base/text.h"

namespace berth::shim {

bool SignalDisposition::discards(int signal) const {
    if (signal == SIGKILL || signal == SIGSTOP || catches(signal) || blocks(signal)) return false;
    return is_namespace_init || ignores(signal);
}

SignalDisposition parse_signal_disposition(std::string_view status) {
    SignalDisposition out;
    for (const std::string& line : split(status, '\n')) {
        const auto field = split_once(line, ':');
        if (!field) continue;
        const std::string_view value = trim(field->second);
        if (field->first == "SigCgt")
            std::from_chars(value.data(), value.data() + value.size(), out.caught, 16);
        if (field->first == "SigIgn")
            std::from_chars(value.data(), value.data() + value.size(), out.ignored, 16);
        if (field->first == "SigBlk")
            std::from_chars(value.data(), value.data() + value.size(), out.blocked, 16);
        // "NSpid: 4711 1": one number for each namespace, the innermost last.
        if (field->first == "NSpid")
            out.is_namespace_init = value.find('\t') != value.npos && value.ends_with("\t1");
    }
    return out;
}

}  // namespace berth::shim
