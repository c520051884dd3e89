#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/pending_op.h"
#include "record/operation.h"
#include "resp/scanner.h"

namespace redline {

/// The meaning of a reply for its operation.
struct Judgement {
  enum class Outcome : std::uint8_t { hit, miss, stored, failed } outcome;
  Failure failure = Failure::protocol;  ///< when failed
};

/// Pure: a GET is answered by a bulk string or a null, a SET by +OK; an error is named by its
/// prefix; anything else is a protocol failure.
Judgement judge(OpKind kind, const ReplyView& reply) noexcept;

/// Pure: the same of a request that is not the operation's own command. A lock that another holds
/// and a refill whose lock has gone are a `miss`.
Judgement judge(PendingOp::Request request, const ReplyView& reply) noexcept;

/// Pure: what WAIT's reply means for the writes before it, of which `replicas` were to know. None:
/// they do. An error (the node has become a replica) leaves the fate of the writes unknown.
std::optional<Failure> judgeWait(const ReplyView& reply, unsigned replicas) noexcept;

/// The failure that an error reply's text ("OOM command not allowed …") stands for.
Failure failureOf(std::string_view errorText) noexcept;

}  // namespace redline
