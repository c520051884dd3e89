#pragma once

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "os/fd.h"
#include "server/process.h"

namespace redline {

/// Holds a process with SIGSTOP and resumes it with SIGCONT, even if this program dies: a guard, a
/// process forked beforehand, sends the SIGCONT when we are gone (also by SIGKILL), or
/// when the hold lasts longer than it may. One thread at a time.
class ProcessPause {
 public:
  /// Forks the guard; `process` is not touched yet. Before a load, not under it: what this program
  /// has in memory is shared with the guard from here on, and costs a page fault when it is written
  /// again. unreachable: the process is gone.
  static Result<ProcessPause> prepare(const ProcessId& process, Nanos longest);
  ProcessPause(ProcessPause&& other) noexcept;
  ProcessPause& operator=(ProcessPause&&) = delete;
  /// Resumes the process, and ends the guard.
  ~ProcessPause();

  /// Returns when it stands still.
  Status hold();
  /// Returns when it runs again; Ok when it was not held, or is gone. Idempotent.
  Status release();

 private:
  ProcessPause(ProcessId process, Fd orders, pid_t guard)
      : process_(std::move(process)), orders_(std::move(orders)), guard_(guard) {}
  void order(char what) const;

  ProcessId process_;
  Fd orders_;  ///< to the guard; its end of file is our end
  pid_t guard_ = -1;
  bool held_ = false;
};

}  // namespace redline
