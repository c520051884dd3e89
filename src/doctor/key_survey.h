#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "doctor/facts.h"
#include "server/admin.h"

namespace redline {

struct KeySurveyPlan {
  std::uint64_t keys = 0;  ///< that the server has
  std::uint64_t most = 0;  ///< names to draw; a server with no more keys is seen whole
  bool scan = false;       ///< see it whole in any case
  bool counters = false;   ///< its policy is an LFU one
  double logFactor = 10;   ///< lfu-log-factor
  std::function<bool()> interrupted;
  std::function<void(std::uint64_t looked)> progress;
};

/// Looks at keys in small batches, at a tenth of the server's time at the most: after each it waits
/// nine times as long as that took. refused: the server withholds a command that is needed.
Result<KeySurvey> surveyKeys(Admin& admin, const KeySurveyPlan& plan);

// Pure readers.

/// Of the reply of CLIENT LIST.
ClientFacts parseClients(std::string_view list);
/// Of /proc/PID/status.
ProcessFacts parseProcessFacts(std::string_view status);

}  // namespace redline
