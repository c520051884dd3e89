#pragma once

#include <cstddef>
#include <string_view>

#include "base/clock.h"
#include "engine/pending_op.h"
#include "engine/shared.h"

namespace redline {

/// An operation → the bytes of its requests. Pure.
class OpEncoder {
 public:
  explicit OpEncoder(const Shared& shared);

  /// TTLs are sent as Unix times: wall clock − clock, at the start of the run.
  void setWallOffset(Nanos offset) { wallOffset_ = offset; }

  /// Room for the operation, with what may go before it.
  std::size_t roomFor(const PendingOp& op) const {
    return op.copy == PendingOp::kAllCopies ? roomForCopies_ : roomForOne_;
  }
  /// Writes GET, SET, MSET (all copies of a split key) or PTTL and GET at `at`; returns the end.
  char* encode(char* at, const PendingOp& op, Nanos now) const;

  /// Whether PTTL goes before the GET. A key that expires is deleted some time later, and only then
  /// does the server send an invalidation: a local cache must know itself how long it may serve the
  /// value.
  bool asksForTtl(const PendingOp& op) const {
    return caches_ && op.isRead() && !op.asking && shared_.ttls.ttlMillisOf(op.id) != 0;
  }

 private:
  std::string_view copyOf(const PendingOp& op, unsigned copy) const;
  char* encodeSet(char* at, std::string_view key, const PendingOp& op, Nanos now) const;
  char* encodeMset(char* at, const PendingOp& op) const;

  const Shared& shared_;
  std::size_t valueSize_;
  std::size_t roomForOne_, roomForCopies_;
  bool caches_;
  Nanos wallOffset_ = 0;
};

}  // namespace redline
