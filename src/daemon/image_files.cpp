// Berth's own: images file by file.
#include "daemon/call.h"
#include "daemon/credentials.h"
#include "daemon/handlers.h"
#include "image/store.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::string_view letter_of(image::FileDifference::Kind kind) {
    switch (kind) {
        case image::FileDifference::Kind::Added: return "A";
        case image::FileDifference::Kind::Deleted: return "D";
        case image::FileDifference::Kind::Changed: return "C";
    }
    return "";
}
}  // namespace

Result<> show_image_layers(Call& call) {
    oci::Platform platform;
    if (const auto text = call.query("platform"); !text.empty())
        platform = TRY(oci::Platform::parse(text));
    const auto layers =
        TRY(call.engine.images.layers(call.parameter("name"), platform, call.stop()));
    Json list = Json::array();
    for (const auto& layer : layers) {
        Json largest = Json::array();
        for (const auto& file : layer.largest)
            largest.push_back({{"Path", file.path}, {"Bytes", file.bytes}});
        list.push_back({{"DiffID", layer.diff_id.to_string()},
                        {"CreatedBy", layer.created_by},
                        {"BlobBytes", layer.blob_bytes},
                        {"DiskBytes", layer.disk_bytes},
                        {"Added", layer.added},
                        {"Changed", layer.changed},
                        {"Removed", layer.removed},
                        {"AddedBytes", layer.added_bytes},
                        {"WastedBytes", layer.wasted_bytes},
                        {"Largest", std::move(largest)}});
    }
    return call.send(list);
}

Result<> show_image_diff(Call& call) {
    const std::string before = call.query("before"), after = call.query("after");
    if (before.empty() || after.empty())
        return fail(ErrorCode::InvalidArgument, "before and after must name images");
    Json list = Json::array();
    for (const auto& difference : TRY(call.engine.images.diff(before, after, call.stop()))) {
        list.push_back({{"Kind", letter_of(difference.kind)},
                        {"Path", difference.path},
                        {"BytesBefore", difference.bytes_before},
                        {"BytesAfter", difference.bytes_after},
                        {"LayerBefore", difference.layer_before},
                        {"LayerAfter", difference.layer_after}});
    }
    return call.send(list);
}

Result<> check_system(Call& call) {
    const auto report = TRY(call.engine.images.check(call.flag("repair"), call.stop(),
                                                     credentials_for_any(call.request.headers)));
    Json problems = Json::array();
    for (const auto& problem : report.problems)
        problems.push_back({{"Kind", problem.kind},
                            {"Subject", problem.subject},
                            {"Problem", problem.text},
                            {"Repair", problem.repair},
                            {"Repaired", problem.is_repaired}});
    return call.send({{"Blobs", report.blobs},
                      {"Layers", report.layers},
                      {"Images", report.images},
                      {"Bytes", report.bytes},
                      {"Problems", std::move(problems)}});
}

}  // namespace berth::daemon
