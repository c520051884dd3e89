#include "mitigation/key_split.h"

#include <algorithm>
#include <utility>

namespace redline {
namespace {

/// A master with a single slot of 16384 is found within this many tries but for e^−61.
constexpr std::uint64_t kMaxSuffix = 1'000'000;

}  // namespace

Result<KeySplit> KeySplit::make(const SplitPlan& plan, const KeyChooser& keys,
                                std::uint64_t keyCount, unsigned masters,
                                const MasterOf& masterOf) {
  if (plan.ways < 1 || plan.ways > kMaxSplitWays)
    return fail(ErrorCode::usage, "-split-ways={} is not in 1 … {}", plan.ways, kMaxSplitWays);
  if (plan.hot < 1 || plan.hot > keyCount)
    return fail(ErrorCode::usage, "-hot=top:{} is not in 1 … -keys={}", plan.hot, keyCount);
  KeySplit split(plan, keys);
  split.names_.reserve(std::size_t{split.hot()} * plan.ways);
  for (std::uint32_t hot = 0; hot < split.hot(); ++hot) {
    if (plan.mode == SplitMode::tag) {
      for (unsigned way = 0; way < plan.ways; ++way)
        split.names_.push_back(fmt::format("hot:{{{}}}:{}", keys.hottest(hot), way));
    } else if (auto named = split.nameSpread(hot, masters, masterOf); !named) {
      return fail(named.error());
    }
  }
  return split;
}

Status KeySplit::nameSpread(std::uint32_t hot, unsigned masters, const MasterOf& masterOf) {
  std::vector<unsigned> wanted(masters, plan_.ways / masters);
  // The copies that are left over begin where the previous id's ended.
  const unsigned over = plan_.ways % masters;
  const auto first = static_cast<unsigned>(std::uint64_t{hot} * over % masters);
  for (unsigned i = 0; i < over; ++i) ++wanted[(first + i) % masters];

  unsigned missing = plan_.ways;
  for (std::uint64_t suffix = 0; missing != 0; ++suffix) {
    if (suffix == kMaxSuffix)
      return fail(ErrorCode::usage,
                  "-split=spread finds no key for one of the {} masters: does each own slots?",
                  masters);
    std::string name = fmt::format("hot:{}:{}", keys_.hottest(hot), suffix);
    const unsigned master = masterOf(name);
    if (master >= masters || wanted[master] == 0) continue;
    --wanted[master];
    --missing;
    names_.push_back(std::move(name));
  }
  return {};
}

}  // namespace redline
