#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/mitigation_plan.h"
#include "engine/pending_op.h"
#include "engine/plan.h"
#include "mitigation/key_split.h"
#include "mitigation/ledger.h"
#include "mitigation/local_cache.h"
#include "mitigation/replica_read.h"
#include "record/interval.h"
#include "resp/scanner.h"

namespace redline {

/// What the workers share.
struct Mitigations {
  std::optional<KeySplit> split;
  std::unique_ptr<Ledger> ledger;
};

/// The local caches of a run.
struct LocalCacheTally {
  std::uint64_t caches = 0;
  std::uint64_t entriesEach = 0;
  std::uint64_t bytesUsed = 0, bytes = 0;  ///< all of them: in use, set aside
};

/// A worker's part of the mitigations and of the ledger: its local cache, its writes to several
/// copies, the service times of replicas, and what replies say of them. Which lane an operation
/// goes to is Dispatcher's decision. Counts go to the interval that a call names.
class Mitigator {
 public:
  /// `shared` outlives it.
  Mitigator(const EnginePlan& plan, const Mitigations& shared);

  // Every operation.

  /// It is about to be sent, for the first time or again. `now` is not later than that.
  void beforeSend(PendingOp& op, Nanos now);
  /// A write was acknowledged; of a split key: by all copies.
  void onStored(const PendingOp& op, Nanos now, Interval& interval);
  /// The key was refilled.
  void onRefilled(std::uint64_t id) {
    if (cache_) cache_->invalidate(id, LocalCache::Cause::ownWrite);
  }
  /// A read has returned a valid value of that version. `sent`: not later than it was sent.
  /// `interval`: where that is counted; null: not at all.
  void judge(const PendingOp& op, std::uint64_t version, Nanos sent, Interval* interval) const;

  /// A read-through's refill of that version was sent at `sent`: how long a later write of the key
  /// had been acknowledged then. Nothing: none had.
  std::optional<Nanos> staleBy(std::uint64_t id, std::uint64_t version, Nanos sent) const;

  // Local cache.

  bool caches() const { return cache_.has_value(); }
  LocalCache::Ticket ticket() const { return cache_ ? cache_->ticket() : 0; }
  void addTo(LocalCacheTally& tally) const;
  /// The value, where the cache can answer the read. `owner`: the number of the lane that would be
  /// asked.
  std::optional<std::string_view> serve(const PendingOp& op, LocalCache::Source owner, Nanos now) {
    return cache_->get(op.id, owner, now);
  }
  /// The value of a read that was `asked` not earlier than at `sent`. `expires`: the key has a
  /// time to live, and `ttlMillis` is what PTTL said of it before.
  void fill(const PendingOp& op, LocalCache::Asked asked, std::string_view value, bool expires,
            std::int64_t ttlMillis, Nanos sent);
  /// A push has arrived, on a connection that before has brought the reply to a request sent at
  /// `answered`; 0: none.
  void onPush(const ReplyView& push, Nanos answered, Nanos now, Interval& interval);
  /// A connection is gone over which invalidations came, and some of them with it.
  void onTrackingLost(Nanos now) {
    cache_->flush();
    trackingLostAt_ = now;
  }
  /// Adds what the cache has counted since the last call.
  void moveCountsTo(Counters& counters);

  // Replica reads.

  ReplicaRead& replicaRead() { return replicaRead_; }

  // Key split.

  const KeySplit* split() const { return shared_.split ? &*shared_.split : nullptr; }
  /// A write to all copies begins, `whole` having been drawn. Returns its number, for its copies.
  std::uint32_t fanOut(const PendingOp& whole);
  struct SettledWrite {
    PendingOp whole;
    std::optional<Failure> failure;  ///< of a copy that was not acknowledged
    bool partial = false;            ///< and others were
  };
  /// One copy is settled. The write as a whole, when it was the last.
  std::optional<SettledWrite> settleCopy(std::uint32_t write, std::optional<Failure> failure);
  /// The run has ended, and this write has not: true the first time that one asks.
  bool isFirstUnfinished(std::uint32_t write);

 private:
  std::optional<Ledger::Key> ledgerKeyOf(std::uint64_t id) const {
    return shared_.ledger ? shared_.ledger->find(id) : std::nullopt;
  }

  std::optional<Nanos> invalidationLag(Ledger::Key key, Nanos answered, Nanos now);

  struct Write {
    PendingOp whole;
    FanOut copies;
    std::optional<Failure> failure;
    bool isAccounted = false;
  };

  const Mitigations& shared_;
  std::optional<LocalCache> cache_;
  /// By ledger key: the number of the last write whose invalidation has arrived.
  std::vector<std::uint64_t> invalidated_;
  Nanos trackingLostAt_ = 0;
  ReplicaRead replicaRead_;
  std::vector<Write> writes_;  ///< under way, and free places
  std::vector<std::uint32_t> freeWrites_;
};

}  // namespace redline
