#include "cli/parse/resources.h"

#include "cli/parse/mount.h"
#include "cli/units.h"

namespace berth::cli {

Result<api::Ulimit> parse_ulimit(std::string_view text) {
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::InvalidArgument, "invalid ulimit \"", text, "\": ", why);
    };
    const auto parts = split_once(text, '=');
    if (!parts || parts->first.empty()) return refuse("expected NAME=SOFT[:HARD]");
    static constexpr std::string_view known =
        " core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime "
        "sigpending stack ";
    if (known.find(concat(" ", parts->first, " ")) == std::string_view::npos)
        return refuse("unknown limit");
    const auto colon = parts->second.find(':');
    const auto soft = parse_int(parts->second.substr(0, colon));
    const auto hard =
        colon == std::string_view::npos ? soft : parse_int(parts->second.substr(colon + 1));
    if (!soft || !hard) return refuse("not a number");
    if (*hard >= 0 && (*soft > *hard || *soft < 0))
        return refuse("the soft limit is above the hard one");
    return api::Ulimit{std::string(parts->first), *hard, *soft};
}

Result<api::RestartPolicy> parse_restart(std::string_view text) {
    if (text.empty()) return api::RestartPolicy{};
    const auto colon = text.find(':');
    api::RestartPolicy policy;
    policy.name = text.substr(0, colon);
    if (policy.name != "no" && policy.name != "always" && policy.name != "unless-stopped" &&
        policy.name != "on-failure" && policy.name != "unhealthy") {
        return fail(
            ErrorCode::InvalidArgument, "unknown restart policy \"", text,
            "\": no, always, unless-stopped, on-failure[:count] and unhealthy[:count] are known");
    }
    if (colon == std::string_view::npos) return policy;
    const auto count = parse_uint(text.substr(colon + 1));
    if (!count || *count > 1'000'000)
        return fail(ErrorCode::InvalidArgument, "invalid count in restart policy \"", text, "\"");
    if (policy.name != "on-failure" && policy.name != "unhealthy")
        return fail(ErrorCode::InvalidArgument, "only on-failure and unhealthy take a count: \"",
                    text, "\"");
    policy.maximum_retry_count = static_cast<int>(*count);
    return policy;
}

bool is_cdi_name(std::string_view text) {
    const auto equals = text.find('=');
    const auto kind = split_once(text.substr(0, equals), '/');
    return !text.starts_with('/') && equals != std::string_view::npos && equals + 1 < text.size() &&
           kind && !kind->first.empty() && !kind->second.empty() && text.find(':') > equals;
}

Result<api::DeviceMapping> parse_device(std::string_view text) {
    const auto is_permissions = [](std::string_view part) {
        return !part.empty() && part.size() <= 3 &&
               part.find_first_not_of("rwm") == std::string_view::npos;
    };
    const auto parts = split(text, ':');
    api::DeviceMapping device{
        .path_on_host = parts[0], .path_in_container = parts[0], .cgroup_permissions = "rwm"};
    if (parts.size() == 2 && is_permissions(parts[1])) {
        device.cgroup_permissions = parts[1];
    } else if (parts.size() >= 2) {
        device.path_in_container = parts[1];
    }
    if (parts.size() == 3) device.cgroup_permissions = parts[2];
    if (parts.size() > 3 || !device.path_on_host.starts_with('/') ||
        !device.path_in_container.starts_with('/') || !is_permissions(device.cgroup_permissions)) {
        return fail(ErrorCode::InvalidArgument, "invalid device \"", text,
                    "\": expected /dev/ON_HOST[:/dev/INSIDE][:rwm]");
    }
    return device;
}

Result<api::ThrottleDevice> parse_throttle(std::string_view text, bool is_bytes) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !text.starts_with("/dev/")) {
        return fail(ErrorCode::InvalidArgument, "invalid rate \"", text,
                    "\": expected /dev/NAME:RATE");
    }
    const auto rate = text.substr(colon + 1);
    api::ThrottleDevice device{std::string(text.substr(0, colon)), 0};
    if (is_bytes) {
        const auto bytes = parse_bytes(rate);
        if (!bytes) return fail(ErrorCode::InvalidArgument, "invalid rate \"", text, "\"");
        device.rate = static_cast<std::uint64_t>(*bytes);
        return device;
    }
    const auto count = parse_uint(rate);
    if (!count) return fail(ErrorCode::InvalidArgument, "invalid rate \"", text, "\"");
    device.rate = *count;
    return device;
}

Result<api::DeviceRequest> parse_gpus(std::string_view text) {
    api::DeviceRequest request;
    const auto take_count = [&](std::string_view value) -> Result<> {
        if (value == "all") {
            request.count = -1;
            return {};
        }
        const auto count = parse_uint(value);
        if (!count || *count > 1024)
            return fail(ErrorCode::InvalidArgument, "invalid value for --gpus: ", value);
        request.count = static_cast<int>(*count);
        return {};
    };
    std::vector<std::string> capabilities{"gpu"};
    for (const auto& field : TRY(split_csv(text).context("--gpus"))) {
        const auto parts = split_once(field, '=');
        if (!parts) {
            TRY(take_count(field));
        } else if (parts->first == "count") {
            TRY(take_count(parts->second));
        } else if (parts->first == "device") {
            for (auto& id : split(parts->second, ',')) request.device_ids.push_back(std::move(id));
        } else if (parts->first == "driver") {
            request.driver = parts->second;
        } else if (parts->first == "capabilities") {
            for (auto& name : split(parts->second, ',')) capabilities.push_back(std::move(name));
        } else {
            return fail(ErrorCode::InvalidArgument, "unknown key in --gpus: ", parts->first);
        }
    }
    request.capabilities = {capabilities};
    return request;
}

}  // namespace berth::cli
