#pragma once
#include "codec/json.h"
#include "oci/descriptor.h"

namespace berth::oci {

/// Descriptors as members of manifests. `where` names the member in errors.
Result<Descriptor> read_descriptor(const codec::Json& value, std::string_view where);
codec::Json write_descriptor(const Descriptor& descriptor);
Annotations read_annotations(const codec::Json& object);
void write_annotations(codec::Json& object, const Annotations& annotations);

}  // namespace berth::oci
