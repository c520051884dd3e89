#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/load_lane.h"
#include "engine/load_plan.h"
#include "transport/buffer.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {

/// When a key expires that has `ttlMillis` to live, as Unix time in milliseconds.
inline std::int64_t expiryOf(const LoadPlan& plan, std::int64_t ttlMillis) noexcept {
  return plan.ttlEpochMillis + (plan.ttlAtMillis != 0 ? plan.ttlAtMillis : ttlMillis);
}

/// Keys of a parcel → the commands that store them. Pure.
class LoadEncoder {
 public:
  /// All outlive it.
  LoadEncoder(const LoadPlan& plan, const Values& values, const Ttls& ttls);

  /// Appends the commands and returns how many there are: MSETs of keys that never expire, where
  /// the plan has them, and a SET for every other key, behind ASKING where the key says so.
  std::uint64_t encode(OutBuffer& out, const std::vector<LoadKey>& keys);

 private:
  char* encodeSet(char* at, std::uint64_t id, std::int64_t ttlMillis) const;
  char* encodeMset(char* at, const std::uint64_t* ids, std::size_t count) const;

  const LoadPlan& plan_;
  const Values& values_;
  const Ttls& ttls_;
  std::size_t pairs_;                   // of one MSET; 0: SET for all
  std::vector<std::uint64_t> lasting_;  // scratch: a parcel's ids without a time to live
};

}  // namespace redline
