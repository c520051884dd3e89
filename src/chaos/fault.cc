#include "chaos/fault.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace redline {

bool Fault::sleep(Nanos span) const {
  constexpr Nanos kPollInterval = 20 * kMillisecond;
  const Nanos end = SteadyClock::read() + span;
  for (;;) {
    if (context_.interrupted()) return false;
    const Nanos left = end - SteadyClock::read();
    if (left <= 0) return true;
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left, kPollInterval)));
  }
}

void Fault::progress(const std::string& line) const {
  context_.progress(line);
}

void Fault::tell(std::string_view name, std::string detail, Nanos at, Nanos duration,
                 Figures figures) const {
  Event event;
  event.at = at;
  event.kind = "fault";
  event.name = name;
  event.phase = "point";
  event.node = findings_.node;
  event.detail = std::move(detail);
  event.duration = duration;
  event.figures = std::move(figures);
  context_.sink(event);
}

}  // namespace redline
