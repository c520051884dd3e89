#pragma once

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

/// Chooses between commands and rdb where the plan leaves that open: rdb where every server is one
/// of plan.own, empty, and lets us. `fits`: the data set, by checkLoadFits(). refused: the plan
/// asks for rdb, and it cannot be.
Result<MethodChoice> chooseMethod(const LoadRunPlan& plan, Preflight& servers, bool fits);

/// Ok when every master still owns exactly the slots whose keys it was given. unsafe: keys are
/// where nobody looks for them.
Status checkSlotsStayed(const std::vector<RdbTarget>& streams, const Credentials& credentials);

}  // namespace redline
