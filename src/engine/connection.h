#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/link.h"
#include "engine/pending_op.h"
#include "engine/redirection.h"

namespace redline {

class Lane;

/// One connection of the driver: at most one batch under way, whose replies come in order.
struct Connection : Link {
  enum class Use : std::uint8_t {
    idle,     ///< takes a batch when it is ready
    forming,  ///< its batch is being filled
    busy,     ///< its batch is complete, or on the wire
  };

  Lane* lane = nullptr;  ///< that it belongs to
  Use use = Use::idle;
  std::vector<PendingOp> batch;  ///< capacity: the batch size; never grows on the hot path
  std::size_t answered = 0;      ///< replies received to `batch`
  bool awaitsReplicas = false;   ///< WAIT follows it: its reply settles the writes of `batch`
  bool prefaceAnswered = false;  ///< ASKING or PTTL before the next operation has its reply
  std::int64_t ttlMillis = 0;    ///< with a local cache: PTTL's reply for the next operation
  std::uint64_t ticket = 0;      ///< with a local cache: when the batch was begun
  std::size_t acknowledged = 0;  ///< in a transaction: replies before EXEC's (+OK, +QUEUED …)
  std::vector<std::pair<std::size_t, Failure>> refused;  ///< … which of `batch` were not queued
  std::optional<Redirection<Lane>> redirection;  ///< … where the first refusal sends the batch
  Nanos freeAt = 0;                              ///< since when its batch could have been sent
  Nanos sentAt = 0;          ///< when the batch was given to the kernel; 0: not yet
  Nanos answeredSentAt = 0;  ///< the same of the batch before, all of whose replies have come

  /// Whether the operation of `batch` is not settled yet: it has no reply, or WAIT has none. All
  /// before openFrom() are settled.
  bool isOpen(std::size_t i) const { return i >= answered || batch[i].awaitsReplicas; }
  std::size_t openFrom() const { return awaitsReplicas ? 0 : answered; }
  template <typename Visit>
  void forEachOpen(Visit&& visit) const {
    for (std::size_t i = openFrom(); i < batch.size(); ++i)
      if (isOpen(i)) visit(batch[i]);
  }
  /// Every reply to the batch has come.
  bool isDone() const { return answered == batch.size() && !awaitsReplicas; }

  /// Forgets the batch.
  void clear() {
    batch.clear();
    awaitsReplicas = false;
    answered = acknowledged = 0;
    prefaceAnswered = false;
    refused.clear();
    redirection.reset();
    sentAt = 0;
  }
};

}  // namespace redline
