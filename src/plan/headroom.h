#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "plan/coefficients.h"

namespace redline {

/// Up to which share of its ceiling a server keeps p99 below a limit while something happens, as
/// the experiment `headroom` measured it.
struct KeptShare {
  std::string fault;       ///< "bgsave"; kNoFault
  std::string title;       ///< "BGSAVE"
  double limitUs = 0;      ///< of p99
  double share = 0;        ///< the highest that kept it; 0: none that was tried did
  double missed = kNaN;    ///< the lowest above that missed it; NaN: none did
  std::uint64_t runs = 0;  ///< with that fault
};
inline constexpr std::string_view kNoFault = "none";

struct MeasuredHeadroom {
  std::string source;  ///< "results/standard (headroom), 2026-11-29"; empty: nothing was measured
  std::vector<KeptShare> kept;
};

/// The knees as they were measured without a fault. Where a limit was not measured its knee is
/// bounded by those of the limits around it, since a looser limit is kept at no lower rate. Limits
/// that no rate kept are left alone.
Coefficients withHeadroom(Coefficients coefficients, const MeasuredHeadroom& headroom);

/// A layout while something happens.
struct DuringFault {
  enum class Verdict : std::uint8_t { kept, missed, notKnown };
  KeptShare kept;
  Verdict verdict = Verdict::notKnown;
};
/// "kept", "missed", "not known"
std::string_view verdictName(DuringFault::Verdict verdict);
/// Each fault under the loosest limit that is no looser than `sloUs`, for a busiest shard of this
/// busy share, 0…1. Empty where no such limit was measured.
std::vector<DuringFault> duringFaults(const MeasuredHeadroom& headroom, double sloUs, double busy);

}  // namespace redline
