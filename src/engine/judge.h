#pragma once

#include <cstdint>
#include <string_view>

#include "record/operation.h"
#include "resp/scanner.h"

namespace redline {

/// What a reply means for the operation that it answers.
struct Judgement {
  enum class Outcome : std::uint8_t { hit, miss, stored, failed } outcome;
  Failure failure = Failure::protocol;  ///< when failed
};

/// Pure: a GET is answered by a bulk string or a null, a SET by +OK; an error is named by its
/// prefix; anything else is a protocol failure.
Judgement judge(OpKind kind, const ReplyView& reply) noexcept;

/// The failure that an error reply's text ("OOM command not allowed …") stands for.
Failure failureOf(std::string_view errorText) noexcept;

}  // namespace redline
