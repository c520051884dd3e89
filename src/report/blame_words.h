#pragma once

#include <optional>

#include "report/blame.h"
#include "report/document.h"
#include "report/findings.h"

namespace redline {

/// Waiting beyond the usual in all slow stretches together, operation-microseconds.
struct Excess {
  double generator = 0, queue = 0, server = 0;
  double slowS = 0;  ///< how long they were
  double all() const { return generator + queue + server; }
  void add(const Excess& other) {
    generator += other.generator;
    queue += other.queue;
    server += other.server;
    slowS += other.slowS;
  }
};
Excess excessOf(const Blame& blame);

/// Every slow stretch (the worst, where there are many) with its waiting taken apart. No rows where
/// none stood out.
Table blameTable(const RunData& run, const Blame& blame);

/// Rule "blame": how much of the run was slow, and whose doing that was.
std::optional<Finding> blameFinding(const RunData& run, const Blame& blame);

}  // namespace redline
