#pragma once

#include <string>

#include "os/session.h"

namespace redline {

/// While it lives, this process goes before others, and so do the servers, generators and peers
/// that it starts, which inherit it: nothing changes between them. The process keeps its nice value
/// afterwards; its session gets back what it had, whoever ends the lab.
class Priority {
 public:
  /// Of one that is not `wanted`, all stays as it is.
  explicit Priority(bool wanted);
  /// "nice -20", kNoPriority, or "refused: …" (kPriorityNote).
  const std::string& text() const { return text_; }

 private:
  SessionPriority session_;
  std::string text_;
};

}  // namespace redline
