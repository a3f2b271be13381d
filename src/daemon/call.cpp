#include "daemon/call.h"

namespace berth::daemon {

const std::string& Call::parameter(std::string_view name) const {
    static const std::string none;
    for (const auto& [key, value] : parameters_)
        if (key == name) return value;
    return none;
}

Result<api::Filters> Call::filters(std::initializer_list<std::string_view> accepted) const {
    auto filters = TRY(api::Filters::parse(query("filters")));
    TRY(filters.check_keys(accepted));
    return filters;
}

Result<> Call::send(const codec::Json& json, int status) {
    response.status = status;
    return response.send(codec::dump_json(json) + "\n", "application/json");
}

Result<> Call::send_text(std::string_view text, int status) {
    response.status = status;
    return response.send(text, "text/plain; charset=utf-8");
}

Result<> Call::send_status(int status) {
    response.status = status;
    return response.send("");
}

}  // namespace berth::daemon
