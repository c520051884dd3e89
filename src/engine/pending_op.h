#pragma once

#include <cstdint>

#include "base/clock.h"
#include "record/operation.h"

namespace redline {

/// An operation that has been drawn and is not yet settled.
struct PendingOp {
  Nanos intended = 0;
  std::uint64_t id = 0;
  std::uint64_t version = 0;  ///< writes: of the value
  OpKind kind = OpKind::get;
  std::uint8_t losses = 0;      ///< connections that were lost with it on them
  std::uint8_t redirects = 0;   ///< MOVED and ASK that it has followed
  bool asking = false;          ///< in a cluster: ASKING goes before it
  bool refill = false;          ///< not an operation: the write of a key that a read has missed
  bool timedOut = false;        ///< past its deadline and failed: its reply will be ignored
  std::uint8_t attempts = 0;    ///< times it has been sent: 0, 1, or 2 for more
  std::uint8_t retries = 0;     ///< delays after TRYAGAIN, CLUSTERDOWN and the like; 255 at most
  std::uint8_t copy = kNoCopy;  ///< of a split key: which copy, or kAllCopies
  std::uint16_t slot = 0;       ///< in a cluster: of its key
  bool inLedger = false;        ///< a write that the ledger knows of
  bool awaitsReplicas = false;  ///< a write that was carried out and waits for WAIT's reply
  std::uint32_t write = 0;      ///< isCopyWrite(): the write to all copies that it is part of

  static constexpr std::uint8_t kNoCopy = 0xff;     ///< the key itself, which is not split
  static constexpr std::uint8_t kAllCopies = 0xfe;  ///< one request writes them all

  bool isRead() const { return kind == OpKind::get; }
  /// It writes one copy of a split key; others write the others.
  bool isCopyWrite() const { return kind == OpKind::set && copy < kAllCopies; }
};

}  // namespace redline
