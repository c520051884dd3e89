#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "lab/experiment.h"
#include "server/host.h"
#include "server/scoped_stack.h"

namespace redline {

/// How much of the server's core other processes use during a drive. Only for a stack with one
/// server on one CPU, and not where that server had a child, which may have run there or not, or
/// PostgreSQL may.
class CoreWatch {
 public:
  CoreWatch(const ScopedStack& stack, const LabCpus& cpus);
  /// Since the start, 0…1; none when it cannot be told.
  std::optional<double> share() const;

 private:
  struct State {
    Nanos at = 0;
    CpuTimes core;
    double serverS = 0;    ///< CPU time of the server's process
    double childrenS = 0;  ///< of its children that have ended
    bool childIsAlive = false;
  };
  std::optional<State> read() const;

  const ScopedStack& stack_;
  std::optional<std::size_t> core_;
  std::optional<State> before_;
};

}  // namespace redline
