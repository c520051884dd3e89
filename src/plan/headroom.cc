#include "plan/headroom.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace redline {
namespace {

/// Keeps a knee between those of a stricter and of a looser limit.
void bound(Coefficient& knee, double least, double most, const std::string& source) {
  if (knee.value >= least && knee.value <= most) return;
  knee.value = std::clamp(knee.value, least, most);
  knee.low = std::min(knee.low, knee.value);
  knee.high = std::max(knee.high, knee.value);
  knee.source = "bounded by " + source;
}

DuringFault::Verdict verdictOn(const KeptShare& kept, double busy) {
  if (busy <= kept.share) return DuringFault::Verdict::kept;
  return busy >= kept.missed ? DuringFault::Verdict::missed : DuringFault::Verdict::notKnown;
}

}  // namespace

Coefficients withHeadroom(Coefficients coefficients, const MeasuredHeadroom& headroom) {
  const auto measured = [&](double limitUs) -> const KeptShare* {
    const auto found = std::ranges::find_if(headroom.kept, [&](const KeptShare& each) {
      return each.fault == kNoFault && each.limitUs == limitUs && each.share > 0;
    });
    return found == headroom.kept.end() ? nullptr : &*found;
  };
  for (const KneeLimit& knee : kneeLimits()) {
    Coefficient one = coefficients[knee.id];
    if (const KeptShare* const own = measured(knee.limitUs)) {
      one.value = one.low = own->share;
      one.high = std::isfinite(own->missed) ? own->missed : own->share;
      one.count = own->runs;
      one.source = headroom.source;
    } else {
      double least = 0, most = 1;
      for (const KneeLimit& other : kneeLimits())
        if (const KeptShare* const around = measured(other.limitUs)) {
          if (other.limitUs < knee.limitUs) least = std::max(least, around->share);
          if (other.limitUs > knee.limitUs) most = std::min(most, around->share);
        }
      bound(one, std::min(least, most), most, headroom.source);
    }
    coefficients.replace(one);
  }
  return coefficients;
}

std::string_view verdictName(DuringFault::Verdict verdict) {
  constexpr std::array<std::string_view, 3> kNames{"kept", "missed", "not known"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::vector<DuringFault> duringFaults(const MeasuredHeadroom& headroom, double sloUs, double busy) {
  double limit = 0;
  for (const KeptShare& each : headroom.kept)
    if (each.limitUs <= sloUs) limit = std::max(limit, each.limitUs);
  std::vector<DuringFault> all;
  for (const KeptShare& each : headroom.kept)
    if (each.limitUs == limit && each.fault != kNoFault)
      all.push_back({each, verdictOn(each, busy)});
  return all;
}

}  // namespace redline
