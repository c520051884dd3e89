#include "engine/greeting.h"

#include "resp/command.h"
#include "workload/keyspace.h"

namespace redline {

GreetingScript::GreetingScript(const Greeting& greeting, const Credentials& credentials) {
  const std::string_view user =
      credentials.user.empty() ? std::string_view("default") : credentials.user;
  if (greeting.resp3()) {
    if (credentials.password.empty())
      appendCommand(bytes_, {"HELLO", "3"});
    else
      appendCommand(bytes_, {"HELLO", "3", "AUTH", user, credentials.password});
    add(Step::hello);
  } else if (!credentials.password.empty()) {
    appendCommand(bytes_, {"AUTH", user, credentials.password});
    add(Step::auth);
  }
  if (greeting.tracking == Tracking::keysRead) {
    appendCommand(bytes_, {"CLIENT", "TRACKING", "ON"});
    add(Step::tracking);
  } else if (greeting.tracking == Tracking::prefix) {
    appendCommand(bytes_, {"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", kKeyPrefix});
    add(Step::tracking);
  }
  if (greeting.readOnly) {
    appendCommand(bytes_, {"READONLY"});
    add(Step::readOnly);
  }
  if (replies_ == 0) {
    appendCommand(bytes_, {"PING"});
    add(Step::ping);
  }
}

Status GreetingScript::judge(unsigned number, const ReplyView& reply, std::string_view peer) const {
  if (!reply.isError()) return {};
  // A server without a password accepts everyone, and one REDLINE_PASSWORD may serve several.
  if (reply.payload.find("without any password configured") != std::string_view::npos) return {};
  const Step step = steps_[number];
  const bool credentials =
      reply.payload.starts_with("WRONGPASS") || reply.payload.starts_with("NOAUTH");
  if (step == Step::auth || credentials)
    return fail(ErrorCode::refused, "{} refuses the login: {}; set REDLINE_PASSWORD (and -user)",
                peer, reply.payload);
  // Operations say more: a server that loads, or a user without PING, may serve them yet.
  if (step == Step::ping) return {};
  if (step == Step::readOnly)
    return fail(ErrorCode::refused, "{} refuses READONLY: {}; replica reads need a cluster", peer,
                reply.payload);
  return fail(ErrorCode::refused,
              "{} refuses {}: {}; -mitigation=local-cache needs RESP3 and CLIENT TRACKING", peer,
              step == Step::hello ? "HELLO 3" : "CLIENT TRACKING", reply.payload);
}

bool saysTooManyClients(const ReplyView& reply) noexcept {
  return reply.isError() && reply.payload.starts_with("ERR max number of clients");
}

}  // namespace redline
