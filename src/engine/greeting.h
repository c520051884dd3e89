#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/plan.h"
#include "resp/scanner.h"

namespace redline {

/// How a new connection is set up before it carries operations. Nothing is sent that is not needed:
/// with neither of these a connection is used as it is.
struct Greeting {
  bool readOnly = false;  ///< READONLY: a replica of a cluster is to answer reads
  Tracking tracking = Tracking::off;

  bool resp3() const { return tracking != Tracking::off; }
};

/// The commands of a greeting, all in one go, and the reading of their replies. Pure.
class GreetingScript {
 public:
  GreetingScript(const Greeting& greeting, const Login& login);

  /// The bytes to send; empty: nothing is needed. They hold the password: never print them.
  const std::string& bytes() const { return bytes_; }
  /// How many replies will come.
  unsigned replies() const { return replies_; }
  /// What the `number`-th of them (from 0) means; `peer` is named in the error: refused, with what
  /// to do.
  Status judge(unsigned number, const ReplyView& reply, std::string_view peer) const;

 private:
  enum class Step : std::uint8_t { auth, hello, tracking, readOnly };
  void add(Step step) { steps_[replies_++] = step; }

  std::string bytes_;
  Step steps_[3] = {};
  unsigned replies_ = 0;
};

}  // namespace redline
