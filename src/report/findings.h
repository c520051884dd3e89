#pragma once

#include <string>
#include <vector>

#include "report/report_data.h"

namespace redline {

enum class Weight {
  problem,  ///< the figures need this said before they are quoted
  notable,  ///< explains or limits a figure
  plain,    ///< as it should be
};

/// One sentence about a run, computed from its figures by a stated rule. It exists only if the
/// rule's condition holds.
struct Finding {
  std::string rule;  ///< "overloaded", …
  Weight weight = Weight::plain;
  std::string text;
  std::string from;  ///< the figures that it is computed from
};

/// What the figures say, problems first, each kind in the order of the rules' table.
std::vector<Finding> findingsOf(const RunData& run);

}  // namespace redline
