#pragma once

#include <optional>
#include <string>

#include "report/blame.h"
#include "report/document.h"
#include "report/findings.h"

namespace redline {

/// Waiting beyond the usual in all slow stretches together, operation-microseconds.
struct Excess {
  double generator = 0, queue = 0, server = 0;
  double slowS = 0;  ///< how long they were
  double all() const { return generator + queue + server; }
  void add(const Excess& other);
};
Excess excessOf(const Blame& blame);

/// "In them 3.0% of the extra latency arose between send and reply. …", without its full stop.
std::string excessText(const Excess& excess);

/// Every slow stretch (the worst, where there are many) with its waiting taken apart. No rows where
/// there is none.
Table blameTable(const RunData& run, const Blame& blame);

/// How much of the run was slow, and what caused it.
std::optional<Finding> blameFinding(const RunData& run, const Blame& blame);

}  // namespace redline
