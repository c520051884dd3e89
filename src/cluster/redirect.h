#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "resp/scanner.h"

namespace redline {

/// What the text of a MOVED or ASK error names. The views are into that text.
struct Redirect {
  std::uint16_t slot = 0;
  std::string_view host;  ///< empty: the host of the node that answered; IPv6 without brackets
  std::uint16_t port = 0;
};

/// Reads "MOVED 3999 127.0.0.1:6381" and "ASK 3999 ::1:6381": a text that begins with that word.
/// Nothing for a slot beyond the last one, an invalid port, or anything else.
std::optional<Redirect> parseRedirect(std::string_view errorText) noexcept;

/// How often an operation may be sent on by MOVED and ASK. A cluster at rest takes one, a slot that
/// moves while its operation does takes three.
inline constexpr unsigned kMaxRedirects = 16;
/// How long an operation that gets TRYAGAIN is retried without an -op-timeout: longer
/// than a cluster with the lab's cluster-node-timeout of 5 s takes to replace a master.
inline constexpr Nanos kRetrySpan = 15 * kSecond;
/// The first wait after TRYAGAIN or CLUSTERDOWN, and the longest: each is twice the one before.
inline constexpr Nanos kFirstRetryWait = 2 * kMillisecond;
inline constexpr Nanos kLongestRetryWait = 128 * kMillisecond;

/// How long an operation waits that has waited `retries` times before.
Nanos retryWait(unsigned retries) noexcept;

/// How far an operation has come, when a reply to it arrives.
struct Attempt {
  Nanos now = 0;
  Nanos deadline = 0;      ///< it may not be tried again after this point
  unsigned redirects = 0;  ///< MOVED and ASK that it has followed
  unsigned retries = 0;    ///< TRYAGAIN, CLUSTERDOWN and the like that it has waited for
};

/// What is to be done about a reply.
struct Decision {
  enum class Next : std::uint8_t {
    done,      ///< no error: the reply is the operation's result
    failed,    ///< an error that another attempt does not cure
    moved,     ///< the slot has another owner for good: send it to `to`, and learn it
    ask,       ///< this one time, ask `to`, with ASKING in front
    tryAgain,  ///< no node can serve it now: send it again at `retryAt`, wherever its slot is then
    tooOften,  ///< redirected more than kMaxRedirects times, or a redirect that names no node
    tooLate,   ///< would be tried again, but its deadline is over
  };
  /// Which of the replies that are counted it was; `other` for all else.
  enum class Kind : std::uint8_t { other, moved, ask, tryAgain, clusterDown };

  Next next = Next::done;
  Kind kind = Kind::other;
  Redirect to{};      ///< moved, ask
  Nanos retryAt = 0;  ///< tryAgain
};

/// Judges a reply to an operation in a cluster. Pure. TRYAGAIN, CLUSTERDOWN, MASTERDOWN and LOADING
/// pass by themselves and are tried again; MOVED and ASK are followed, whatever the time: the node
/// that answered knows the owner; every other error is final. `to` views the reply.
Decision decide(const ReplyView& reply, const Attempt& attempt) noexcept;

}  // namespace redline
