#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "workload/key_chooser.h"

namespace redline {

/// What the ledger says of one read.
struct ReadVerdict {
  enum class Kind : std::uint8_t {
    ok,          ///< no contradiction
    stale,       ///< a later write had been acknowledged before the read was sent
    impossible,  ///< no write of the run gave the key this version
  };
  Kind kind = Kind::ok;
  /// `stale`: how long the later write had been acknowledged when the read was sent; of several,
  /// the one acknowledged first.
  Nanos age = 0;
  /// `stale`: writes that the ledger has forgotten may have been acknowledged earlier still, so the
  /// age is at least this.
  bool ageIsLowerBound = false;
  bool judged = true;  ///< false: too little is known of this version; the kind is `ok`
};

/// What the end of the run found of one key.
struct KeyAudit {
  std::uint64_t lostAcknowledged = 0;  ///< acknowledged writes later than what was found
  bool impossible = false;             ///< what was found was never written
  bool judged = true;
};

/// The acknowledged-write ledger: for each of its keys, which versions were written, when, and when
/// they were acknowledged. It judges what is read.
///
/// **Later** is said only of what is certain, in real time: write B is later than write A when B
/// was sent after A was acknowledged. Writes that overlapped may have been applied in either order,
/// and a write whose fate is unknown may be applied at any time after it was sent; neither makes a
/// read stale. So a read of version v is stale iff some write was sent after v's acknowledgement
/// and acknowledged before the read was sent.
///
/// Times: give a send's time as early as you like and an acknowledgement's as late as you like
/// (the start of the pass that sent; the pass that saw the reply): that can hide a stale read that
/// was a hair's breadth from legal, and never accuses a legal one. All workers' times are of one
/// monotonic clock and positive.
///
/// Shared by all workers, without locks and allocations: a key's writes and reads may come from any
/// worker. Each key has a ring of its latest writes; of those that drop out of it only the latest
/// acknowledgement, and how many were never acknowledged, are remembered, which makes verdicts
/// about them milder, never harsher.
class Ledger {
 public:
  using Key = std::uint32_t;

  /// The hottest `size` ids of `keys`, size ≥ 1. Before the run each holds version 0, written and
  /// acknowledged (prepare them so, replicas included).
  Ledger(const KeyChooser& keys, std::uint32_t size);

  /// The ledger's name of an id, when it keeps that id.
  std::optional<Key> find(std::uint64_t id) const noexcept {
    const std::uint64_t rank = chooser_.rankOf(id);
    if (rank >= size_) return std::nullopt;
    return static_cast<Key>(rank);
  }
  std::uint64_t idOf(Key key) const noexcept { return chooser_.hottest(key); }
  std::uint32_t size() const noexcept { return size_; }

  /// A write is about to be sent. `version` ≥ 1, never used before for this key; call it before the
  /// bytes can leave. A write that is sent again (redirected, so not executed) is begun once.
  void begin(Key key, std::uint64_t version, Nanos sent) noexcept;
  /// Its acknowledgement has come. A write that is never acknowledged needs no further call.
  void acknowledge(Key key, std::uint64_t version, Nanos at) noexcept;

  /// A read sent at `sent` returned `version`.
  ReadVerdict judge(Key key, std::uint64_t version, Nanos sent) const noexcept;

  /// After the run: the key holds `version`, or nothing (empty), with which all its acknowledged
  /// writes are gone. Ask only about keys that nothing may have removed (no expiry, no eviction).
  KeyAudit audit(Key key, std::optional<std::uint64_t> version) const noexcept;

  struct LastWrite {
    std::uint64_t number = 0;           ///< of the key's writes: 1 for the first; 0: none yet
    std::optional<Nanos> acknowledged;  ///< empty: it is under way
  };
  /// The write of this key that was sent last, for invalidation lag.
  LastWrite lastWrite(Key key) const noexcept;

  /// Writes acknowledged so far, all keys.
  std::uint64_t acknowledged() const noexcept;

  std::size_t writesKept() const noexcept { return ring_; }  ///< for each key
  std::size_t memoryBytes() const noexcept;

 private:
  /// One write. `fate` is −version until it is acknowledged, then the time of that: the version in
  /// it lets an acknowledgement replace its own mark and no other's.
  struct Record {
    std::atomic<std::uint64_t> version{0};  ///< 0: free; kBusy: being replaced
    std::atomic<Nanos> sent{0};
    std::atomic<Nanos> fate{0};
  };
  struct alignas(64) Head {
    std::atomic<std::uint64_t> next{0};     ///< begun so far: the ring's write position
    std::atomic<std::uint64_t> highest{0};  ///< version begun
    std::atomic<std::uint64_t> acknowledged{0};
    std::atomic<Nanos> latestAcknowledgedSend{0};      ///< of acknowledged writes
    std::atomic<std::int64_t> droppedUnknown{0};       ///< dropped from the ring unacknowledged
    std::atomic<std::uint64_t> droppedUnknownUpTo{0};  ///< the highest version among those
    std::atomic<Nanos> droppedAcknowledged{0};         ///< latest acknowledgement among the dropped
  };
  /// When a version was acknowledged, as far as is known.
  struct Bound {
    enum class Kind : std::uint8_t { acknowledged, underWay, unknown, impossible } kind;
    Nanos at = 0;             ///< `acknowledged`: not later than that
    std::uint64_t later = 0;  ///< the ring's position from which on later writes are found
    bool dropped = false;     ///< it is no longer in the ring
  };

  Record& recordAt(Key key, std::uint64_t position) const noexcept {
    return records_[std::size_t{key} * ring_ + position % ring_];
  }
  Bound boundOf(Key key, std::uint64_t version) const noexcept;

  KeyChooser chooser_;
  std::uint32_t size_;
  std::size_t ring_;  ///< records of a key
  std::unique_ptr<Head[]> heads_;
  std::unique_ptr<Record[]> records_;
};

}  // namespace redline
