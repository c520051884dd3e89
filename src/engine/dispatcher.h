#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/cluster_lanes.h"
#include "engine/lane.h"
#include "engine/mitigator.h"
#include "engine/op_recorder.h"
#include "engine/settler.h"
#include "engine/shared.h"

namespace redline {

/// One request, and the lane that it goes to.
struct Send {
  Lane* lane;
  PendingOp op;
};

/// Where an operation goes under a mitigation: nowhere, since the worker's own cache answers it; to
/// several copies of its key; or to a replica.
class Dispatcher {
 public:
  Dispatcher(const Shared& shared, unsigned index, ClusterLanes<Lane>& lanes, OpRecorder& recorder,
             Settler& settler, Mitigator& mitigator);

  /// The requests of an operation that has just been drawn; none: it is settled. Valid until the
  /// next call.
  std::span<const Send> dispatch(const PendingOp& op, Nanos now);

 private:
  bool serveLocally(const PendingOp& op, Nanos now);
  bool splitKey(PendingOp op, Nanos now);
  void sendCopy(PendingOp& op, unsigned copy, std::uint32_t hot);
  void readAnywhere(const PendingOp& op);

  const EnginePlan& plan_;
  ClusterLanes<Lane>& lanes_;
  OpRecorder& recorder_;
  Settler& settler_;
  Mitigator& mitigator_;
  Rng choices_;  // which copy, which node: apart from the stream that draws the keys
  std::vector<Send> sends_;
};

}  // namespace redline
