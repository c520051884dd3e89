#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/slot_map.h"
#include "engine/plan.h"
#include "run/target.h"
#include "server/key_admin.h"

namespace redline {

/// One key of the data set, as the server has it.
struct SampledKey {
  std::uint64_t id = 0;
  bool found = false;
  std::uint64_t length = 0;     ///< bytes of its value
  bool expires = false;         ///< it has a time to live
  bool foreign = false;         ///< its value is not what the seed gives for this id
  std::int64_t leftMillis = 0;  ///< to live, where it expires
};

/// A few keys of a data set, and what may have taken others away. The first and the last ids are
/// among them, so that a load that was smaller, or broken off, shows.
struct DataSetSample {
  std::vector<SampledKey> keys;  ///< ascending ids, each once
  std::uint64_t serverKeys = 0;  ///< on the node, or on all masters
  bool evicted = false;          ///< keys have been evicted, or that is not known
  bool expired = false;          ///< keys have expired, or that is not known
  bool continues = false;        ///< a key follows the last one that -keys names
  std::string unreadable;  ///< the server's words, where it does not let us look; empty: it does
};

/// Looks at about 64 keys: their lengths, times to live and the first bytes of their values,
/// whatever size these have. refused: a key of the data set's name holds something else than a
/// string. `onWait` hears of a wait that takes long; keys of slots that no node of `map` owns are
/// not looked at.
Result<DataSetSample> sampleDataSet(const EnginePlan& plan, std::span<Target> targets,
                                    const KeyAdmin::OnWait& onWait = {},
                                    const SlotMap* map = nullptr);

/// What a sample says of the flags that describe the data set.
struct DataSetJudgement {
  /// Flags that the data contradict, each with what is there. Keys that evictions or an expiry may
  /// have taken contradict nothing; neither do absent keys where no read needs them or a miss
  /// writes them.
  std::vector<std::string> contradictions;
  std::vector<std::string> notes;  ///< worth knowing, and possibly meant
};

/// Pure.
DataSetJudgement judgeDataSet(const EnginePlan& plan, const DataSetSample& sample);

}  // namespace redline
