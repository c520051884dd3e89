#include "chaos/catalog.h"

#include <algorithm>
#include <vector>

#include "base/suggest.h"

namespace redline {

std::span<const FaultSpec> faults() {
  static const std::vector<FaultSpec> kFaults{
      bgsaveFault(),     aofRewriteFault(), bigkeyOnFault(),  reshardFault(),
      killMasterFault(), killNodeFault(),   pauseNodeFault(), reconnectStormFault(),
  };
  return kFaults;
}

Result<const FaultSpec*> findFault(std::string_view name) {
  const auto all = faults();
  const auto found = std::ranges::find(all, name, &FaultSpec::name);
  if (found != all.end()) return &*found;
  std::vector<std::string_view> names;
  for (const FaultSpec& fault : all) names.push_back(fault.name);
  return fail(ErrorCode::usage, "there is no fault '{}'{}", name, didYouMeanOrUse(name, names));
}

}  // namespace redline
