#pragma once
#include <vector>

#include "api/filters.h"
#include "container/containers.h"

namespace berth::image {
class Store;
}

namespace berth::daemon {

/// The filters of `docker ps`, made ready to be asked about one container after another.
class ContainerFilter {
public:
    /// `all` are the containers that "before" and "since" may name. InvalidArgument for a value
    /// that makes no sense, NotFound for a container that "before" or "since" names in vain.
    static Result<ContainerFilter> prepare(const api::Filters& filters,
                                           const container::Containers& containers,
                                           const image::Store& images);
    bool matches(const container::ContainerView& view) const;
    /// Whether the filters ask for containers that do not run.
    bool wants_all() const { return wants_all_; }

private:
    api::Filters filters_;
    std::vector<int> exit_codes_;
    std::vector<std::string> ancestors_;  // image ids, and names as given
    std::optional<Timestamp> before_, since_;
    bool wants_all_ = false;
};

/// "until" and labels of a prune: Unix time, RFC 3339 or a duration back from now.
Result<std::optional<Timestamp>> until_of(const api::Filters& filters, Timestamp now);
/// A time as query parameters have it: "1700000000.5", RFC 3339, or a duration back from `now`
/// ("10m"). "" and "0" are nullopt.
Result<std::optional<Timestamp>> parse_time(std::string_view text, Timestamp now);

}  // namespace berth::daemon
