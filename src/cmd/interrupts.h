#pragma once

namespace redline {

/// While it lives, SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup) are noted
/// instead of ending the process; a second SIGINT or SIGTERM ends it at once, unless it comes
/// within a second: timeout(1) sends its signal twice. One at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  bool received() const noexcept;
};

}  // namespace redline
