#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/plan.h"
#include "resp/scanner.h"

namespace redline {

/// How a new connection is set up before it carries operations.
struct Greeting {
  bool readOnly = false;  ///< READONLY: a replica of a cluster is to answer reads
  Tracking tracking = Tracking::off;

  bool resp3() const { return tracking != Tracking::off; }
};

/// The commands of a greeting, all in one go, and the reading of their replies. Pure.
///
/// Where no other command is needed it is a PING: TCP accepts a connection before the server has
/// decided whether it may stay, and an operation that was sent too early would have to be given up.
class GreetingScript {
 public:
  GreetingScript(const Greeting& greeting, const Credentials& credentials);

  /// The bytes to send. They hold the password: never print them.
  const std::string& bytes() const { return bytes_; }
  /// How many replies will come: one at the least.
  unsigned replies() const { return replies_; }
  /// What the `number`-th of them (from 0) means; `peer` is named in the error: refused, with what
  /// to do.
  Status judge(unsigned number, const ReplyView& reply, std::string_view peer) const;

 private:
  enum class Step : std::uint8_t { auth, hello, tracking, readOnly, ping };
  void add(Step step) { steps_[replies_++] = step; }

  std::string bytes_;
  Step steps_[3] = {};
  unsigned replies_ = 0;
};

/// The server will not have this connection, and closes it: its maxclients is reached.
bool saysTooManyClients(const ReplyView& reply) noexcept;

}  // namespace redline
