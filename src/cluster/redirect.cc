#include "cluster/redirect.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "cluster/hash_slot.h"

namespace redline {
namespace {

using Next = Decision::Next;
using Kind = Decision::Kind;

/// Takes the text up to the next blank off the front of `rest`.
std::string_view word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

std::optional<std::uint16_t> number(std::string_view text, std::uint16_t least, std::size_t most) {
  const auto value = toNumber<std::uint16_t>(text);
  return value && *value >= least && *value <= most ? value : std::nullopt;
}

bool passesByItself(std::string_view code) {
  return code == "TRYAGAIN" || code == "CLUSTERDOWN" || code == "MASTERDOWN" || code == "LOADING";
}

Kind kindOf(std::string_view code) {
  if (code == "MOVED") return Kind::moved;
  if (code == "ASK") return Kind::ask;
  if (code == "TRYAGAIN") return Kind::tryAgain;
  if (code == "CLUSTERDOWN") return Kind::clusterDown;
  return Kind::other;
}

}  // namespace

Nanos retryWait(unsigned retries) noexcept {
  constexpr unsigned kDoublings = 10;  // beyond the longest wait, and far from an overflow
  return std::min(kFirstRetryWait << std::min(retries, kDoublings), kLongestRetryWait);
}

std::optional<Redirect> parseRedirect(std::string_view errorText) noexcept {
  const std::string_view code = word(errorText);
  if (code != "MOVED" && code != "ASK") return std::nullopt;
  const auto slot = number(word(errorText), 0, kSlots - 1);
  const std::string_view address = word(errorText);
  const std::size_t colon = address.rfind(':');  // the last: an IPv6 address has more
  if (!slot || colon == std::string_view::npos || !errorText.empty()) return std::nullopt;
  const auto port = number(address.substr(colon + 1), 1, std::numeric_limits<std::uint16_t>::max());
  if (!port) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  if (host == "?") host = {};  // a cluster that goes by names, and this node has none
  return Redirect{*slot, host, *port};
}

Decision decide(const ReplyView& reply, const Attempt& attempt) noexcept {
  if (!reply.isError()) return {};
  const std::string_view code = reply.payload.substr(0, reply.payload.find(' '));
  Decision decision;
  decision.kind = kindOf(code);
  if (decision.kind == Kind::moved || decision.kind == Kind::ask) {
    const auto redirect = parseRedirect(reply.payload);
    if (!redirect || attempt.redirects >= kMaxRedirects) {
      decision.next = Next::tooOften;
    } else {
      decision.next = decision.kind == Kind::moved ? Next::moved : Next::ask;
      decision.to = *redirect;
    }
  } else if (passesByItself(code)) {
    decision.retryAt = attempt.now + retryWait(attempt.retries);
    decision.next = decision.retryAt <= attempt.deadline ? Next::tryAgain : Next::tooLate;
  } else {
    decision.next = Next::failed;
  }
  return decision;
}

}  // namespace redline
