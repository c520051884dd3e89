#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cluster/redirect.h"
#include "engine/pending_op.h"
#include "resp/scanner.h"
#include "transport/transport.h"

namespace redline {

class Lane;

/// Where an operation goes that was not served where it was sent: a decision about a reply
/// (cluster/redirect.h) with the node that it names already found among the worker's lanes.
struct Onward {
  Decision::Next next = Decision::Next::failed;  ///< moved, ask or tryAgain; else it ends here
  Lane* lane = nullptr;                          ///< moved, ask
  Nanos retryAt = 0;                             ///< tryAgain
  bool goesOn() const { return lane != nullptr || next == Decision::Next::tryAgain; }
};

/// One connection as its worker sees it: at most one batch under way, whose replies come in order.
struct Connection {
  enum class State : std::uint8_t {
    down,  ///< not there, or lost; (re)opened at `reopenAt`
    connecting,
    greeting,   ///< the handshake is under way
    listening,  ///< hears of changed keys, and takes no batch
    free,       ///< may take a batch
    forming,    ///< its batch is being filled
    busy,       ///< its batch is complete, or on the wire
  };

  Lane* lane = nullptr;  ///< that it belongs to
  ConnId id = 0;
  State state = State::down;
  unsigned greeted = 0;  ///< replies of the handshake received
  bool opened = false;   ///< at least once: the next time it is opened again
  ReplyScanner scanner;
  std::vector<PendingOp> batch;  ///< capacity: the batch size; never grows on the hot path
  std::size_t answered = 0;      ///< replies received to `batch`
  bool waits = false;            ///< WAIT goes behind it: its reply settles the writes of `batch`
  bool prefaceAnswered = false;  ///< what goes before the next operation has had its reply
  std::int64_t ttlMillis = 0;    ///< with a local cache: what PTTL has said of the next operation
  std::uint64_t ticket = 0;      ///< with a local cache: when the batch was begun
  std::size_t acknowledged = 0;  ///< in a transaction: replies before EXEC's (+OK, +QUEUED …)
  std::vector<std::pair<std::size_t, Failure>> refused;  ///< … which of `batch` were not queued
  std::optional<Onward> onward;  ///< in a transaction: where the first refusal sends the batch
  Nanos freeAt = 0;              ///< since when its batch could have been sent
  Nanos sentAt = 0;              ///< when the batch was given to the kernel; 0: not yet
  Nanos reopenAt = 0;
  Nanos backoff = 0;

  /// Whether the operation of `batch` is not settled yet: it has no reply, or WAIT has none. Those
  /// that are begin at openFrom() at the earliest.
  bool isOpen(std::size_t i) const { return i >= answered || batch[i].held; }
  std::size_t openFrom() const { return waits ? 0 : answered; }
  /// Every reply to the batch has come.
  bool isDone() const { return answered == batch.size() && !waits; }

  /// Forgets the batch.
  void clear() {
    batch.clear();
    waits = false;
    answered = acknowledged = 0;
    prefaceAnswered = false;
    refused.clear();
    onward.reset();
    sentAt = 0;
  }
};

}  // namespace redline
