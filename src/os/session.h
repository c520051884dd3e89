#pragma once

#include <optional>
#include <string_view>

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

/// Whether the environment asks for it (REDLINE_SESSIONS_FIRST): while slots move, the lab's own
/// threads starve behind servers whose sessions go first.
bool sessionsGoFirst() noexcept;

/// For a process between fork and exec: makes a session of its own, whose nice value is that of the
/// process. Refused, it is 0. Async-signal-safe.
void startSession() noexcept;

}  // namespace redline
