#include "lab/priority.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <utility>

#include "base/result.h"
#include "lab/experiment.h"

namespace redline {
namespace {

/// Another program that wants a core all the time then gets 1% of it; at -10, 10%.
constexpr int kNice = -20;

std::string raiseProcess() {
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0 && now <= kNice) return fmt::format("nice {}", now);
  if (::setpriority(PRIO_PROCESS, 0, kNice) == 0) return fmt::format("nice {}", kNice);
  return fmt::format("refused: {}", errnoText(errno));
}

}  // namespace

Priority::Priority(bool wanted) : text_(wanted ? raiseProcess() : std::string(kNoPriority)) {
  if (!wanted || text_.starts_with("refused")) return;
  if (auto raised = SessionPriority::raise(kNice))
    session_ = std::move(*raised);
  else
    text_ = "refused: the session stays as it is: " + raised.error().message;
}

}  // namespace redline
