#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "engine/greeting.h"
#include "resp/scanner.h"
#include "transport/transport.h"

namespace redline {

/// Why a connection was lost: 0 where the server closed it, an errno, or one of these.
inline constexpr int kNotResp = EPROTO;         ///< it sent bytes that are not RESP
inline constexpr int kTooManyClients = EUSERS;  ///< the server has reached its maxclients
inline constexpr int kReplyTooLong = EMSGSIZE;  ///< a reply is longer than any that is expected
/// It does not answer as Redis does: what was under way has failed, and is not sent again.
constexpr bool isBrokenProtocol(int error) {
  return error == kNotResp || error == kReplyTooLong;
}
/// The same as a clause, for errors and notes.
std::string lossText(int error);

/// How long a lost connection stays down: twice as long after each loss in a row.
struct Backoff {
  Nanos first = 2 * kMillisecond;
  Nanos longest = kSecond;

  /// `losses` ≥ 1: the loss that has just happened is counted.
  Nanos after(unsigned losses) const {
    return std::min(first << std::min(losses - 1, 20U), longest);
  }
};

/// One connection of a client, whatever goes over it. Links moves it from state to state.
struct Link {
  enum class State : std::uint8_t {
    down,  ///< never opened, or lost; (re)opened at `reopenAt`
    connecting,
    greeting,  ///< the greeting is sent and not yet answered in full
    ready,
  };

  const GreetingScript* script = nullptr;  ///< what it sends first
  OutBuffer* out = nullptr;                ///< where requests are written; valid unless `down`
  ConnId id = 0;
  State state = State::down;
  bool carriesOperations = true;
  bool wasOpened = false;  ///< at least once: the next time is a reconnect
  unsigned greeted = 0;    ///< replies to the greeting received
  unsigned losses = 0;     ///< in a row: since it was last proved good
  int lossError = 0;       ///< why it was lost last
  /// Since it was opened it has been of use, as its client sees it: the next loss is the first in a
  /// row. That the server accepted it, or its credentials, says little.
  bool proved = false;
  Nanos openedAt = 0;
  Nanos reopenAt = 0;
  ReplyScanner scanner;

  bool isComingUp() const { return state == State::connecting || state == State::greeting; }
};

}  // namespace redline
