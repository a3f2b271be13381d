#pragma once
#include <optional>
#include <string_view>

#include "shim/protocol.h"

namespace berth::shim {

/// The process that the kernel killed last in `cgroup` ("/berth/<id>"), from the text of its log.
/// The line looked for is
///     oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/berth/ID,task_memcg=/berth/ID,task=node,pid=4711,uid=0
std::optional<OomVictim> find_oom_victim(std::string_view log, std::string_view cgroup);

}  // namespace berth::shim
