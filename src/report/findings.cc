#include "report/findings.h"

#include <algorithm>
#include <array>

#include "report/finding_rules.h"

namespace redline {
namespace {

constexpr std::array kRules{
    notEnded,         notConserved,     wrongValues,       nothingMeasured,
    nothingCompleted, noReply,          overloaded,        keptUp,
    lowerBounds,      failedOperations, connectionsLost,   waitBeforeSend,
    waitInService,    worstInterval,    slowStretches,     serverSilent,
    slowCommands,     serverBound,      closedLoop,        smallBatches,
    generatorBusy,    generatorStall,   serverWithoutCore, stolenTime,
    hiddenSteal,      misses,           memoryGrew,        fragmentation,
    forked,           delayedFsync,     rightValues,
};

}  // namespace

std::vector<Finding> findingsOf(const RunData& run) {
  std::vector<Finding> findings;
  for (const Rule rule : kRules)
    if (auto finding = rule(run)) findings.push_back(std::move(*finding));
  std::ranges::stable_sort(findings, {}, &Finding::weight);
  return findings;
}

}  // namespace redline
