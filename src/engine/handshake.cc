#include "engine/handshake.h"

#include "resp/command.h"
#include "workload/keyspace.h"

namespace redline {

HandshakeScript::HandshakeScript(const Handshake& handshake, const Login& login) {
  const std::string_view user = login.user.empty() ? std::string_view("default") : login.user;
  if (handshake.resp3()) {
    if (login.password.empty())
      appendCommand(bytes_, {"HELLO", "3"});
    else
      appendCommand(bytes_, {"HELLO", "3", "AUTH", user, login.password});
    add(Step::hello);
  } else if (!login.password.empty()) {
    appendCommand(bytes_, {"AUTH", user, login.password});
    add(Step::auth);
  }
  if (handshake.tracking == Tracking::keysRead) {
    appendCommand(bytes_, {"CLIENT", "TRACKING", "ON"});
    add(Step::tracking);
  } else if (handshake.tracking == Tracking::prefix) {
    appendCommand(bytes_, {"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", kKeyPrefix});
    add(Step::tracking);
  }
  if (handshake.readOnly) {
    appendCommand(bytes_, {"READONLY"});
    add(Step::readOnly);
  }
}

Status HandshakeScript::judge(unsigned number, const ReplyView& reply,
                              std::string_view peer) const {
  if (!reply.isError()) return {};
  const Step step = steps_[number];
  const bool login = reply.payload.starts_with("WRONGPASS") || reply.payload.starts_with("NOAUTH");
  if (step == Step::auth || login)
    return fail(ErrorCode::refused, "{} refuses the login: {}; set REDLINE_PASSWORD (and -user)",
                peer, reply.payload);
  if (step == Step::readOnly)
    return fail(ErrorCode::refused, "{} refuses READONLY: {}; replica reads need a cluster", peer,
                reply.payload);
  return fail(ErrorCode::refused,
              "{} refuses {}: {}; -mitigation=local-cache needs RESP3 and CLIENT TRACKING", peer,
              step == Step::hello ? "HELLO 3" : "CLIENT TRACKING", reply.payload);
}

}  // namespace redline
