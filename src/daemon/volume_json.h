#pragma once
#include "codec/json.h"
#include "volume/store.h"

namespace berth::daemon {

/// A volume as list and inspect show it.
codec::Json volume_json(const volume::Volume& volume);

}  // namespace berth::daemon
