// Texts of errors, as a cluster's node may send them: what is read as a redirect is within bounds
// and reads back to itself; what is decided is in keeping with it.
#include "cluster/redirect.h"

#include "cluster/hash_slot.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  using Next = Decision::Next;
  const auto text = textOf(data, size);
  require(hashSlot(text) < kSlots, "a slot that is none");
  const auto redirect = parseRedirect(text);
  if (redirect) {
    require(redirect->slot < kSlots, "a redirect to a slot that is none");
    require(redirect->port != 0, "a redirect to port 0");
    const std::string written = "MOVED " + std::to_string(redirect->slot) + ' ' +
                                std::string(redirect->host) + ':' + std::to_string(redirect->port);
    const auto again = parseRedirect(written);
    require(again && again->host == redirect->host && again->port == redirect->port &&
                again->slot == redirect->slot,
            "a redirect that reads back to another one");
  }
  const ReplyView reply{ReplyType::error, false, text, 0, size + 3};
  const Decision decision = decide(reply, {.now = 0, .deadline = kSecond});
  require(decision.next != Next::done, "an error that is done");
  const bool follows = decision.next == Next::moved || decision.next == Next::ask;
  require(follows == redirect.has_value(), "a redirect that is not followed, or what is none is");
  require(decision.next != Next::tryAgain || (decision.retryAt > 0 && decision.retryAt <= kSecond),
          "a retry at no time");
  return 0;
}
