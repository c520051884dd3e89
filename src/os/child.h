#pragma once

#include <sys/types.h>

#include <optional>
#include <span>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

/// Forks a process that runs `run(argument)` of this program and exits with 0: in its own session,
/// with `descriptors` as 3, 4 … and every other file closed. Other threads may hold any lock at the
/// fork, so `run` makes only async-signal-safe calls. At most 8 descriptors.
Result<pid_t> forkHelper(std::span<const int> descriptors, void (*run)(int), int argument);

/// For a helper: shown under `name`, of 15 bytes at most, and ended by no signal of a terminal or
/// of a supervisor, nor by a peer that is gone. Async-signal-safe.
void outliveSignals(const char* name) noexcept;

/// Waits for a child of this process to exit and returns its wait status; none after `timeout`.
std::optional<int> awaitChild(pid_t child, Nanos timeout);

/// SIGKILL for a child of this process, for whose exit it waits no longer than `patience`: one that
/// gets no core is reaped when we have ended.
void endChild(pid_t child, Nanos patience);

/// Waits for a child of this process to exit, however long that takes.
void reapChild(pid_t child);

/// For a process between fork and exec: makes `descriptors` the numbers `first`, `first` + 1 … and
/// closes all higher ones. Numbers are below kScratchFdBase. False, with errno, on failure.
bool placeDescriptors(std::span<int> descriptors, int first);
inline constexpr int kScratchFdBase = 16;

}  // namespace redline
