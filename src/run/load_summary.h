#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/loading.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "run/load_run.h"

namespace redline {

/// A server of a load, before and after.
struct LoadServer {
  std::string addr;
  bool stores = false;  ///< it had keys to store at the beginning: the node, or a master with slots
  ServerSample before;
  std::optional<ServerSample> after;  ///< none: it no longer answers, or we may not ask
  bool withheld = false;              ///< it answers, and we may not ask it for INFO

  bool answers() const { return after || withheld; }
};

/// What -ttl-epoch takes: Unix seconds, with the decimals that they have. "1767225600.25".
std::string epochText(const LoadPlan& load);

/// How a load ended, and what to do next where that was not well. Pure.
Status endOf(const LoadRunPlan& plan, const LoadOutcome& outcome, bool interrupted,
             const std::vector<LoadServer>& servers);

/// Adds what follows from the load and its servers: rate, generator, servers, redirects. `steal`:
/// the machine's, 0…1. Pure.
void summarizeLoad(Summary& summary, const LoadPlan& load, const LoadOutcome& outcome,
                   const std::vector<LoadServer>& servers, double steal);

/// Of a load by RDB: keys whose time had passed are not stored, and Redis does not count them with
/// those that expired. `summary` has the servers of summarizeLoad(). Pure.
void addExpiredOnArrival(Summary& summary, const std::vector<LoadServer>& servers);

/// The verdict on a summary that is otherwise complete. Pure.
void judgeLoad(Summary& summary, const LoadRunPlan& plan, const Status& status);

}  // namespace redline
