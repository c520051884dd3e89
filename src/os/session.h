#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace redline {

// Where the kernel shares the cores among sessions before it shares them among processes
// (autogroup, sched(7)), the nice value of a process counts only against others of its session. The
// session has a nice value of its own.

/// Of a line of /proc/PID/autogroup: "/autogroup-56 nice -10". None if it is not such a line.
std::optional<int> parseSessionNice(std::string_view autogroup);

/// Of this process's session; none where the kernel does not share the cores among sessions.
std::optional<int> sessionNice();
/// For this process's session. 0, or the error number of a refusal. Async-signal-safe.
int setSessionNice(int nice) noexcept;

/// For a process between fork and exec: makes a session of its own, whose nice value is that of the
/// process. Refused, it is 0. Async-signal-safe.
void startSession() noexcept;

/// While it lives, this process's session has another nice value. Then it has the one from before,
/// even where this process is killed: a process of its own (the guard) waits for that.
class SessionPriority {
 public:
  /// Fails where it is refused. Does nothing where the session goes first already, or where the
  /// kernel does not share the cores among sessions.
  static Result<SessionPriority> raise(int nice);
  SessionPriority() = default;
  SessionPriority(SessionPriority&& other) noexcept;
  SessionPriority& operator=(SessionPriority&& other) noexcept;
  ~SessionPriority();

 private:
  SessionPriority(Fd line, pid_t guard, int before) noexcept
      : line_(std::move(line)), guard_(guard), before_(before) {}

  Fd line_;  ///< closed, it lets the guard act
  pid_t guard_ = -1;
  int before_ = 0;
};

}  // namespace redline
