#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "record/operation.h"
#include "resp/scanner.h"
#include "transport/transport.h"

namespace redline {

/// An operation that has been drawn and is not yet settled.
struct PendingOp {
  Nanos intended = 0;
  std::uint64_t id = 0;
  std::uint64_t version = 0;  ///< writes: of the value
  OpKind kind = OpKind::get;
  std::uint8_t attempts = 0;         ///< times it has been sent
  std::optional<Failure> refused{};  ///< in a transaction: why it was not queued
  bool givenUp = false;  ///< past its deadline: already failed, its reply will be passed over
};

/// One connection as its worker sees it: at most one batch under way, whose replies come in order.
struct Connection {
  enum class State : std::uint8_t {
    down,  ///< lost; reopened at `reopenAt`
    connecting,
    handshaking,  ///< AUTH is under way
    free,         ///< may take a batch
    forming,      ///< its batch is being filled
    busy,         ///< its batch is on the wire
  };

  ConnId id = 0;
  State state = State::down;
  ReplyScanner scanner;
  std::vector<PendingOp> batch;  ///< capacity: the batch size; never grows on the hot path
  std::size_t answered = 0;      ///< replies received to `batch`
  std::size_t acknowledged = 0;  ///< in a transaction: replies before EXEC's (+OK, +QUEUED …)
  Nanos freeAt = 0;              ///< when it last became free: an operation cannot be sent earlier
  Nanos sentAt = 0;              ///< when the batch was given to the kernel
  Nanos reopenAt = 0;
  Nanos backoff = 0;
};

}  // namespace redline
