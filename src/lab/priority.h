#pragma once

#include <optional>
#include <string>

namespace redline {

/// Puts this process before others: servers, generator and peers, which inherit it, so that nothing
/// changes between them. Where the kernel shares the cores among sessions first (autogroup,
/// sched(7)), this one's session goes first as well, until the end of the object. Killed by SIGKILL
/// it leaves that behind.
class Priority {
 public:
  Priority();
  ~Priority();
  Priority(const Priority&) = delete;
  Priority& operator=(const Priority&) = delete;

  /// "nice -20", "nice -20 within its session (…)", or "refused: …" (kPriorityNote).
  const std::string& text() const { return text_; }

 private:
  std::optional<int> sessionBefore_;  ///< to be put back
  std::string text_;
};

}  // namespace redline
