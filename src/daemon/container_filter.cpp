#include "daemon/container_filter.h"

#include <algorithm>

#include "image/store.h"

namespace berth::daemon {

using container::ContainerView;

namespace {
Error invalid(std::string_view key, std::string_view value) {
    return fail(ErrorCode::InvalidArgument, "invalid filter '", key, "=", value, "'");
}

bool matches_any(const std::vector<std::string>& values, const auto& predicate) {
    return values.empty() || std::any_of(values.begin(), values.end(), predicate);
}

/// "80", "80/tcp", "80-90/udp" against one port.
bool port_matches(std::string_view wanted, const container::Port& port) {
    const auto pair = split_once(wanted, '/');
    if (pair && pair->second != port.protocol) return false;
    const std::string_view numbers = pair ? pair->first : wanted;
    const auto range = split_once(numbers, '-');
    const auto first = parse_uint(range ? range->first : numbers);
    const auto last = range ? parse_uint(range->second) : first;
    return first && last && port.number >= *first && port.number <= *last;
}

std::string health_of(const ContainerView& view) {
    return view.state.health.status.empty() ? "none" : view.state.health.status;
}

bool uses_volume(const ContainerView& view, const std::string& wanted) {
    return std::any_of(view.mounts.begin(), view.mounts.end(),
                       [&](const container::MountView& mount) {
                           return mount.name == wanted || mount.destination == wanted ||
                                  (mount.type == "bind" && mount.source == wanted);
                       });
}

bool on_network(const ContainerView& view, const std::string& wanted) {
    return std::any_of(view.endpoints.begin(), view.endpoints.end(),
                       [&](const container::EndpointView& endpoint) {
                           return endpoint.network_name == wanted ||
                                  (!wanted.empty() && endpoint.network_id.starts_with(wanted));
                       });
}

Result<std::optional<Timestamp>> created_at(const api::Filters& filters, std::string_view key,
                                            const container::Containers& containers) {
    std::optional<Timestamp> time;
    for (const auto& name : filters.values(key)) {
        auto view = containers.inspect(name);
        if (view.is_error()) return std::move(view).error();
        time = view->created_at;
    }
    return time;
}
}  // namespace

Result<std::optional<Timestamp>> parse_time(std::string_view text, Timestamp now) {
    if (text.empty() || text == "0") return std::optional<Timestamp>();
    const auto fraction = split_once(text, '.');
    if (const auto seconds = parse_int(fraction ? fraction->first : text)) {
        std::string digits(fraction ? fraction->second : "");
        digits.resize(9, '0');
        const auto nanoseconds = parse_uint(digits);
        if (nanoseconds)
            return std::optional(
                Timestamp(std::chrono::seconds(*seconds) + std::chrono::nanoseconds(*nanoseconds)));
    }
    if (const auto time = parse_rfc3339(text)) return time;
    if (const auto back = parse_duration(text)) return std::optional(now - *back);
    return fail(ErrorCode::InvalidArgument, "invalid time '", text, "'");
}

Result<std::optional<Timestamp>> until_of(const api::Filters& filters, Timestamp now) {
    const auto& values = filters.values("until");
    if (values.empty()) return std::optional<Timestamp>();
    if (values.size() > 1)
        return fail(ErrorCode::InvalidArgument, "more than one until filter specified");
    return parse_time(values.front(), now);
}

Result<ContainerFilter> ContainerFilter::prepare(const api::Filters& filters,
                                                 const container::Containers& containers,
                                                 const image::Store& images) {
    ContainerFilter out;
    out.filters_ = filters;
    for (const auto& value : filters.values("exited")) {
        const auto code = parse_int(value);
        if (!code) return invalid("exited", value);
        out.exit_codes_.push_back(static_cast<int>(*code));
        out.wants_all_ = true;
    }
    for (const auto& value : filters.values("status")) {
        if (!container::parse_status(value)) return invalid("status", value);
        out.wants_all_ = true;
    }
    for (const auto& value : filters.values("health")) {
        if (value != "starting" && value != "healthy" && value != "unhealthy" && value != "none")
            return invalid("health", value);
    }
    for (const auto& value : filters.values("ancestor")) {
        out.ancestors_.push_back(value);
        if (const auto image = images.resolve(value))
            out.ancestors_.push_back(image->id.to_string());
    }
    out.before_ = TRY(created_at(filters, "before", containers));
    out.since_ = TRY(created_at(filters, "since", containers));
    if (out.before_ || out.since_) out.wants_all_ = true;
    return out;
}

bool ContainerFilter::matches(const ContainerView& view) const {
    const auto is_ancestor = [&](const std::string& wanted) {
        return wanted == view.spec.image || wanted == view.image_id;
    };
    const auto exposes = [&](const std::string& wanted) {
        return std::any_of(view.ports.begin(), view.ports.end(),
                           [&](const auto& p) { return port_matches(wanted, p.port); });
    };
    const auto publishes = [&](const std::string& wanted) {
        return std::any_of(view.ports.begin(), view.ports.end(), [&](const auto& p) {
            return p.host_port != 0 && port_matches(wanted, {p.host_port, p.port.protocol});
        });
    };
    if (!exit_codes_.empty()) {
        const auto& state = view.state;
        if (is_alive(state.status) || state.status == container::Status::Created) return false;
        if (std::find(exit_codes_.begin(), exit_codes_.end(), state.exit_code) == exit_codes_.end())
            return false;
    }
    return filters_.matches_prefix("id", view.id) &&
           filters_.matches_name("name", "/" + view.name) &&
           filters_.matches_labels("label", view.spec.labels) &&
           filters_.excludes_labels("label!", view.spec.labels) &&
           filters_.matches("status", to_string(view.state.status)) &&
           filters_.matches("health", health_of(view)) && matches_any(ancestors_, is_ancestor) &&
           matches_any(filters_.values("expose"), exposes) &&
           matches_any(filters_.values("publish"), publishes) &&
           matches_any(filters_.values("volume"),
                       [&](const auto& v) { return uses_volume(view, v); }) &&
           matches_any(filters_.values("network"),
                       [&](const auto& v) { return on_network(view, v); }) &&
           (!before_ || view.created_at < *before_) && (!since_ || view.created_at > *since_);
}

}  // namespace berth::daemon
