#include "lab/search.h"

namespace redline {

RateSearch::Bracket RateSearch::bracket(std::span<const Probe> tried) const {
  Bracket bracket{low_, high_, false, false};
  for (const Probe& probe : tried)
    if (!probe.met && probe.rate <= bracket.missed) {
      bracket.missed = probe.rate;
      bracket.missedTried = true;
    }
  for (const Probe& probe : tried)
    if (probe.met && probe.rate >= bracket.met && probe.rate < bracket.missed) {
      bracket.met = probe.rate;
      bracket.metTried = true;
    }
  // Even the lowest rate may miss: then nothing is known to be met.
  if (bracket.met >= bracket.missed) bracket.met = 0;
  return bracket;
}

std::optional<double> RateSearch::next(std::span<const Probe> tried) const {
  const Bracket known = bracket(tried);
  if (known.missed - known.met <= tolerance_ * high_) return std::nullopt;
  return (known.met + known.missed) / 2;
}

}  // namespace redline
