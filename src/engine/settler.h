#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "engine/cluster_lanes.h"
#include "engine/judge.h"
#include "engine/lane.h"
#include "engine/mitigator.h"
#include "engine/op_encoder.h"
#include "engine/op_recorder.h"
#include "engine/shared.h"
#include "engine/store_client.h"
#include "resp/scanner.h"

namespace redline {

/// From replies to figures: judges each reply, and records its operation as completed or failed, or
/// finds that another node, or a later time, will serve it, and requeues it. Fed with replies and
/// times; does no I/O.
class Settler {
 public:
  /// All outlive it. `mitigator`, `storeClient`: null where the plan uses none.
  Settler(const Shared& shared, const OpEncoder& encoder, ClusterLanes<Lane>& lanes,
          OpRecorder& recorder, Mitigator* mitigator, StoreClient* storeClient);

  /// The next reply to the batch of a busy connection. With the last one the connection is
  /// released.
  void onReply(Connection& c, const ReplyView& reply, Nanos now);
  /// The connection is lost, and its batch with it. Reads are sent again, with their clocks
  /// running; the fate of a write that was sent is unknown, and it may not be sent twice. `error`:
  /// as in lossText().
  void onLost(Connection& c, int error, Nanos now);
  /// Operations on the wire that are past -op-timeout fail now; the replies that still come to them
  /// are ignored. Looks once a millisecond.
  void expireSent(Nanos now) {
    if (plan_.opTimeout != 0 && now >= nextExpiry_) expireAll(now);
  }

  /// The operation, which is in no batch any more, has failed for good.
  void fail(const PendingOp& op, Failure failure, Nanos now);
  /// The worker's own cache holds the value that the read asks for.
  void completeLocally(const PendingOp& op, std::string_view value, Nanos now);
  /// The run has ended: records an operation that has no final reply.
  void unfinished(const PendingOp& op, Nanos now);

  /// Operations that have left their batches, whether settled or requeued.
  std::uint64_t released() const { return released_; }

 private:
  void expireAll(Nanos now);
  bool isPreface(Connection& c, const ReplyView& reply) const;
  void settle(Connection& c, PendingOp& op, const ReplyView& reply, Nanos now);
  void settleWait(Connection& c, const ReplyView& reply, Nanos now);
  bool settleTransaction(Connection& c, const ReplyView& reply, Nanos now);
  void settleExec(Connection& c, const ReplyView& reply, Nanos now);
  void complete(Connection& c, const PendingOp& op, Judgement::Outcome outcome,
                std::string_view value, Nanos now);
  std::optional<std::uint64_t> verify(std::string_view value, const PendingOp& op);
  void completeRequest(Connection& c, const PendingOp& op, Judgement::Outcome outcome, Nanos now);
  bool continues(Connection& c, const PendingOp& op, Judgement::Outcome outcome, Nanos now);
  void refill(const PendingOp& missed, Nanos now);
  Redirection<Lane> redirectionOf(Connection& c, const PendingOp& op, const ReplyView& reply,
                                  Nanos now);
  void redirectOrFail(const PendingOp& op, const Redirection<Lane>& to, Failure failure, Nanos now);
  void onReplyData(Connection& c, const PendingOp& op, std::string_view value,
                   std::optional<std::uint64_t> version, Nanos now);
  void settleCopy(const Connection* c, const PendingOp& copy, std::optional<Failure> failure,
                  Nanos now);

  const Shared& shared_;
  const EnginePlan& plan_;
  const OpEncoder& encoder_;
  ClusterLanes<Lane>& lanes_;
  OpRecorder& recorder_;
  Mitigator* mitigator_;
  StoreClient* storeClient_;
  const bool transactions_;
  const bool asksForTtls_;
  std::uint64_t released_ = 0;
  Nanos nextExpiry_ = 0;
};

}  // namespace redline
