#pragma once

#include <stop_token>
#include <thread>

namespace redline {

/// While it lives, this CPU does not go idle: a thread that anybody else goes before (SCHED_IDLE)
/// gives it away again and again. A virtual CPU that goes idle is taken off its core by the
/// hypervisor, and what wakes on it later waits until it is put back: milliseconds on a busy host.
/// Does nothing where the thread may not run there.
class CoreKeeper {
 public:
  explicit CoreKeeper(int cpu);

 private:
  std::jthread thread_;
};

}  // namespace redline
