#include "cmd/heal_advice.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "server/own_servers.h"
#include "server/stack.h"
#include "transport/blocking.h"
#include "transport/endpoint.h"

namespace redline {

std::string withHealAdvice(std::string message) {
  constexpr std::string_view kBefore = "nothing listens on ";
  const std::size_t begin = message.find(kBefore);
  const std::size_t advice = message.find(kStartAdvice);
  if (begin == std::string::npos || advice == std::string::npos || advice < begin) return message;
  const std::string_view address =
      std::string_view(message).substr(begin + kBefore.size(), advice - begin - kBefore.size());
  const auto endpoint = parseEndpoint(address.substr(0, address.rfind(':')));
  const auto home = stateHome();
  if (!endpoint || !home) return message;
  const std::vector<OwnServer> known = ownServers(*home);
  const OwnServer* const ours = findOwn(known, *endpoint);
  if (ours == nullptr) return message;
  return message.replace(
      advice, kStartAdvice.size(),
      fmt::format("it is a server of stack {} that does not run: restart it with `redline stack "
                  "heal {}`, ",
                  ours->stack, ours->stack));
}

}  // namespace redline
