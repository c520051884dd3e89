#include "lab/priority.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/result.h"
#include "os/session.h"

namespace redline {
namespace {

/// Another program that wants a core all the time then gets 1% of it: a tick of the scheduler every
/// 0.3 s. At -10 it gets 10%, which alone makes 1% of the operations late.
constexpr int kNice = -20;

}  // namespace

std::string goFirst() {
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0 && now <= kNice) return fmt::format("nice {}", now);
  if (::setpriority(PRIO_PROCESS, 0, kNice) == 0) return fmt::format("nice {}", kNice);
  return fmt::format("refused: {}", errnoText(errno));
}

SessionFirst::SessionFirst() {
  const auto now = sessionNice();
  if (sessionsGoFirst() && now && *now > kNice && setSessionNice(kNice) == 0) before_ = now;
}

SessionFirst::~SessionFirst() {
  if (before_) setSessionNice(*before_);
}

}  // namespace redline
