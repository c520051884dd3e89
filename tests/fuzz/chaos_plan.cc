// Plans of faults (-chaos): read in the order of their times, or refused as wrong use.
#include "chaos/chaos_plan.h"

#include <algorithm>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  const auto plan = parseChaosPlan(textOf(data, size));
  if (!plan) {
    require(plan.error().code == ErrorCode::usage, "an error that is not one of use");
    return 0;
  }
  require(std::ranges::is_sorted(*plan, {}, &PlannedFault::at), "faults out of order");
  for (const PlannedFault& fault : *plan) require(fault.spec != nullptr, "a fault of no kind");
  return 0;
}
