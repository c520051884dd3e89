#pragma once

#include <sys/types.h>

#include "os/fd.h"

namespace redline {

/// While it lives, this CPU does not go idle: a process that everybody else goes before gives it
/// away again and again. A virtual CPU that goes idle is taken off its core by the hypervisor, and
/// what wakes on it later waits until it is put back: milliseconds on a busy host. Does nothing
/// where the process may not run there.
///
/// A process, and not a thread: where the kernel shares the cores among sessions first (autogroup,
/// sched(7)), a thread alone on a core has the weight of its whole session, SCHED_IDLE or not. It
/// would go before servers on that core, and before the kernel's threads that finish an fsync.
class CoreKeeper {
 public:
  explicit CoreKeeper(int cpu);
  CoreKeeper(const CoreKeeper&) = delete;
  CoreKeeper& operator=(const CoreKeeper&) = delete;
  ~CoreKeeper();

  /// The process; none where it could not be started.
  pid_t process() const { return process_; }

 private:
  Fd line_;  ///< closed, as when we are killed, it ends the process
  pid_t process_ = -1;
};

}  // namespace redline
