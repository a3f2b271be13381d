#include "api/progress.h"

#include "codec/json.h"

namespace berth::api {

using codec::Json;

std::string ProgressMessage::to_line() const {
    Json json = Json::object();
    if (!stream.empty()) json["stream"] = stream;
    if (!status.empty()) json["status"] = status;
    if (current > 0 || total > 0) {
        Json& detail = json["progressDetail"] = Json::object();
        if (current > 0) detail["current"] = current;
        if (total > 0) detail["total"] = total;
    } else if (!status.empty() && !id.empty()) {
        // Old clients expect the member beside an id.
        json["progressDetail"] = Json::object();
    }
    if (!id.empty()) json["id"] = id;
    if (!error.empty()) {
        Json& detail = json["errorDetail"] = Json::object();
        if (error_code) detail["code"] = error_code;
        detail["message"] = error;
        json["error"] = error;
    }
    if (!aux.empty()) {
        auto value = codec::parse_json(aux);
        json["aux"] = value ? std::move(*value) : Json(aux);
    }
    return codec::dump_json(json) + "\r\n";
}

Result<ProgressMessage> ProgressMessage::parse(std::string_view line) {
    const Json json = TRY(codec::parse_json(line));
    if (!json.is_object())
        return fail(ErrorCode::InvalidArgument, "progress message is no JSON object");
    ProgressMessage message;
    message.stream = codec::get_string(json, "stream");
    message.status = codec::get_string(json, "status");
    message.id = codec::get_string(json, "id");
    if (const Json* detail = codec::find_member(json, "progressDetail")) {
        message.current = codec::get_int(*detail, "current");
        message.total = codec::get_int(*detail, "total");
    }
    message.error = codec::get_string(json, "error");
    if (const Json* detail = codec::find_member(json, "errorDetail")) {
        message.error = codec::get_string(*detail, "message", message.error);
        message.error_code = static_cast<int>(codec::get_int(*detail, "code"));
    }
    if (const Json* aux = codec::find_member(json, "aux")) message.aux = codec::dump_json(*aux);
    return message;
}

}  // namespace berth::api
