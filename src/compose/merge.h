#pragma once
#include "codec/yaml.h"

namespace berth::compose {

/// Lays the tree of a later file over that of an earlier one, by the compose-spec's rules: mappings
/// merge deeply, sequences append; command, entrypoint and healthcheck.test replace; environment,
/// labels and their like merge by name whether written as list or mapping; ports, volumes, secrets,
/// configs and devices merge by their unique key; `!reset` removes and `!override` replaces.
/// compose-spec, 13-merge.md.
codec::YamlNode merge_files(codec::YamlNode base, const codec::YamlNode& over);

/// The same rules for two definitions of one service, as `extends` needs them.
codec::YamlNode merge_services(codec::YamlNode base, const codec::YamlNode& over);

/// Removes what `!reset` marks in a tree that nothing is laid under.
void drop_resets(codec::YamlNode& node);

}  // namespace berth::compose
