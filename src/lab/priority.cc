#include "lab/priority.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/result.h"

namespace redline {

std::string goFirst() {
  // Another program of the session that wants a core all the time then gets 1% of it; at -10, 10%.
  constexpr int kNice = -20;
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0 && now <= kNice) return fmt::format("nice {}", now);
  if (::setpriority(PRIO_PROCESS, 0, kNice) == 0) return fmt::format("nice {}", kNice);
  return fmt::format("refused: {}", errnoText(errno));
}

}  // namespace redline
