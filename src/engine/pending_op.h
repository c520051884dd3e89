#pragma once

#include <cstdint>

#include "base/clock.h"
#include "record/operation.h"

namespace redline {

/// An operation that has been drawn and is not yet settled; or a request that serves others.
struct PendingOp {
  /// What is sent.
  enum class Request : std::uint8_t {
    own,           ///< the operation's own command
    invalidation,  ///< a write under -on-write=invalidate: DEL, behind the store's write
    // No operations:
    refill,        ///< SET of a key that a read has missed, or that is refreshed
    fencedRefill,  ///< the same under -miss-lock: only while the lock is still held
    // Of the key's lock; `version`: the ticket of what waits for it.
    missLock,     ///< for a read that has missed: taken only while the key is still missing
    refreshLock,  ///< for a refresh, whose key is there: SET NX PX
  };
  Nanos intended = 0;
  std::uint64_t id = 0;
  std::uint64_t version = 0;  ///< writes: of the value
  OpKind kind = OpKind::get;
  std::uint8_t losses = 0;     ///< connections that were lost with it on them
  std::uint8_t redirects = 0;  ///< MOVED and ASK that it has followed
  bool asking = false;         ///< in a cluster: ASKING goes before it
  Request request = Request::own;
  bool timedOut = false;        ///< past its deadline and failed: its reply will be ignored
  std::uint8_t attempts = 0;    ///< times it has been sent: 0, 1, or 2 for more
  std::uint8_t retries = 0;     ///< delays after TRYAGAIN, CLUSTERDOWN and the like; 255 at most
  std::uint8_t copy = kNoCopy;  ///< of a split key: which copy, or kAllCopies
  std::uint8_t lockWaits = 0;   ///< a read: how often it found the lock of its key taken
  std::uint16_t slot = 0;       ///< in a cluster: of its key
  bool inLedger = false;        ///< a write that the ledger knows of
  bool awaitsReplicas = false;  ///< a write that was carried out and waits for WAIT's reply
  bool storedBefore = false;    ///< a write that the store behind the cache has carried out
  bool endsFlight = false;      ///< a refill: the last of a coalesced read (`flight`)
  /// isCopyWrite(): the write to all copies that it is part of. missLock, refreshLock,
  /// fencedRefill: the lock's token.
  std::uint32_t write = 0;

  static constexpr std::uint8_t kNoCopy = 0xff;     ///< the key itself, which is not split
  static constexpr std::uint8_t kAllCopies = 0xfe;  ///< one request writes them all

  bool isRead() const { return kind == OpKind::get; }
  bool isOperation() const { return request <= Request::invalidation; }
  bool isRefill() const { return request == Request::refill || request == Request::fencedRefill; }
  /// It writes one copy of a split key; others write the others.
  bool isCopyWrite() const { return kind == OpKind::set && copy < kAllCopies; }
};

}  // namespace redline
