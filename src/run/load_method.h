#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "run/load_run.h"
#include "run/preflight.h"
#include "run/rdb_loading.h"

namespace redline {

/// How a load is made, and why so.
struct MethodChoice {
  LoadMethod method = LoadMethod::commands;  ///< never automatic
  std::string reason;
  std::vector<RdbTarget> streams;  ///< of rdb: one for the node, or for each master with slots
};

/// Bytes of a value up to which a stream fills one server faster than commands do, by the share of
/// keys that expire: where the lines through what was measured at 100 B and at 4 KB meet
/// (docs/performance.md, "Loading by an RDB stream"). A key that expires needs a SET of its own, so
/// it makes commands dearer.
std::size_t streamBreakEven(double ttlFraction);

/// Chooses between commands and rdb where the plan leaves that open: rdb where every server is one
/// of plan.own, empty, and lets us, and where a single server's values are no larger than
/// streamBreakEven(). `fits`: the data set, by checkLoadFits(). refused: the plan
/// asks for rdb, and it cannot be.
Result<MethodChoice> chooseMethod(const LoadRunPlan& plan, Preflight& servers, bool fits);

/// Ok when every master still owns exactly the slots whose keys it was given. unsafe: keys are
/// where nobody looks for them.
Status checkSlotsStayed(const std::vector<RdbTarget>& streams, const Credentials& credentials);

}  // namespace redline
