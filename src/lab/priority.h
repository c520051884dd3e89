#pragma once

#include <optional>
#include <string>

namespace redline {

/// Puts this process before others: servers, generator and peers, which inherit it, so that nothing
/// changes between them. "nice -20", or "refused: …" (kPriorityNote).
std::string goFirst();

/// While it lives, this process's session goes before others (os/session.h), as servers, which have
/// sessions of their own, do by goFirst(). Not for workers that sleep under SCHED_RR: they need it
/// not, and their core's keeper (engine/core_keeper.h) would go before the kernel's threads, which
/// do our disk's work: `appendfsync always` then has a p99 of milliseconds. A process that is ended
/// by SIGKILL leaves its session as it is.
class SessionFirst {
 public:
  SessionFirst();
  ~SessionFirst();
  SessionFirst(const SessionFirst&) = delete;
  SessionFirst& operator=(const SessionFirst&) = delete;

 private:
  std::optional<int> before_;  ///< to be put back
};

}  // namespace redline
