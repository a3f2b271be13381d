#include "sys/remover.h"

#include "sys/dir.h"
#include "sys/file.h"

namespace berth::sys {

Remover::Remover()
    : thread_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
              Work work;
              {
                  auto waiting = work_.lock();
                  if (!waiting.wait(stop, [](const Work& now) {
                          return !now.paths.empty() || !now.things.empty();
                      }))
                      return;
                  work = std::exchange(*waiting, {.paths = {}, .things = {}, .is_busy = true});
              }
              work.things.clear();
              for (const auto& path : work.paths) {
                  if (stop.stop_requested()) return;
                  if (unlink(path).is_error()) remove_tree(path).ignore("the next start sweeps it");
              }
              work_.lock()->is_busy = false;
              work_.notify_all();
          }
      }) {}

void Remover::remove(std::string path) {
    work_.lock()->paths.push_back(std::move(path));
    work_.notify_all();
}

void Remover::release(std::shared_ptr<const void> thing) {
    work_.lock()->things.push_back(std::move(thing));
    work_.notify_all();
}

void Remover::wait() {
    auto work = work_.lock();
    work.wait(thread_.get_stop_token(), [](const Work& now) {
        return !now.is_busy && now.paths.empty() && now.things.empty();
    });
}

}  // namespace berth::sys
