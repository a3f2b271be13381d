#include "image/attestations.h"

#include "daemon/call.h"
#include "daemon/handlers.h"
#include "daemon/image_json.h"
#include "image/store.h"

namespace berth::daemon {

using codec::Json;

// Engine API 1.55.
Result<> show_attestations(Call& call) {
    const auto platforms = call.request.query.all("platform");
    if (platforms.size() > 1)
        return fail(ErrorCode::InvalidArgument, "only one platform value is currently supported");
    const auto platform = TRY(platform_of(platforms.empty() ? "" : platforms.front()));
    const auto image = TRY(
        platform.is_empty() ? call.engine.images.resolve(call.parameter("name"))
                            : call.engine.images.resolve_exactly(call.parameter("name"), platform));
    const auto summary = TRY(call.engine.images.summary(call.parameter("name")));
    const image::AttestationQuery query{.predicate_types = call.request.query.all("type"),
                                        .with_statements = call.flag("statement")};
    Json list = Json::array();
    for (const auto& found :
         TRY(image::attestations_of(summary, image, call.engine.content, query))) {
        const Json descriptor = TRY(codec::parse_json(found.blob.to_json()));
        Json entry{{"Descriptor", descriptor}, {"PredicateType", found.predicate_type}};
        if (query.with_statements)
            entry["Statement"] = TRY(codec::parse_json(found.statement)
                                         .context("attestation statement ", found.blob.digest));
        list.push_back(std::move(entry));
    }
    return call.send(list);
}

}  // namespace berth::daemon
