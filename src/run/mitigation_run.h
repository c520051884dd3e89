#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/slot_map.h"
#include "engine/mitigator.h"
#include "engine/plan.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "run/summarize.h"
#include "server/key_admin.h"
#include "server/replication_lag.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {

/// What a run with a mitigation or a ledger does around its load: prepares the data before it,
/// watches servers during it, and reads the ledger's keys back after it.
class MitigationRun {
 public:
  /// Writes what the load will find: all copies of split keys, and the ledger's keys, each with the
  /// value of version 0 as the loader gives it, its time to live counted from now; then waits for
  /// replicas to have them. `node`: the server, or a node of the cluster that answers; `map`: the
  /// cluster's; null: a single node. Nothing is written where nothing is needed.
  static Result<std::unique_ptr<MitigationRun>> prepare(const EnginePlan& plan,
                                                        const Endpoint& node, const SlotMap* map);

  /// For the engine; lives as long as this.
  const Mitigations& shared() const { return shared_; }
  /// The load begins.
  void watch();
  /// A reading of a server during the load. From any thread, one at a time.
  void onSample(const ServerSample& sample);
  /// The load has ended: reads the ledger's keys back. `evicted`: servers have evicted keys, so one
  /// that is gone proves nothing.
  MitigationOutcome finish(bool evicted, const LocalCacheTally& caches);

 private:
  MitigationRun(const EnginePlan& plan, Endpoint node, KeyAdmin keys);
  Status nameCopies(const SlotMap* map);
  Status writeFirstVersions();
  void readTrackingLimit();
  void findReplicas(const SlotMap& map);
  std::vector<std::string> keysOf(Ledger::Key key) const;
  Status audit(bool evicted, MitigationOutcome& outcome);
  void auditKey(Ledger::Key key, std::span<const Value> copies, bool mayBeGone,
                MitigationOutcome& outcome);
  void describe(MitigationFigures& figures, const LocalCacheTally& caches) const;

  const EnginePlan& plan_;
  Endpoint node_;
  Mitigations shared_;
  KeyAdmin keys_;
  Values values_;
  Ttls ttls_;
  std::vector<ReplicationLag::Pair> replicas_;
  std::unique_ptr<ReplicationLag> lag_;
  std::map<std::string, TrackingFigures> tracking_;  ///< by address
  std::uint64_t trackingMaxKeys_ = 0;
};

}  // namespace redline
