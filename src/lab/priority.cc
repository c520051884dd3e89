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

/// "nice -20", or why not.
std::string raiseProcess() {
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0 && now <= kNice) return fmt::format("nice {}", now);
  if (::setpriority(PRIO_PROCESS, 0, kNice) == 0) return fmt::format("nice {}", kNice);
  return fmt::format("refused: {}", errnoText(errno));
}

}  // namespace

Priority::Priority() : text_(raiseProcess()) {
  const auto before = sessionNice();
  if (text_.starts_with("refused") || !before || *before <= kNice) return;
  if (const int refused = setSessionNice(kNice); refused == 0)
    sessionBefore_ = before;
  else
    text_ += fmt::format(" within its session ({})", errnoText(refused));
}

Priority::~Priority() {
  if (sessionBefore_) setSessionNice(*sessionBefore_);
}

}  // namespace redline
