#include "engine/judge.h"

#include <array>
#include <charconv>
#include <utility>

namespace redline {

Failure failureOf(std::string_view errorText) noexcept {
  using Entry = std::pair<std::string_view, Failure>;
  static constexpr std::array<Entry, 15> kByPrefix{{{"OOM", Failure::oom},
                                                    {"LOADING", Failure::loading},
                                                    {"READONLY", Failure::readOnly},
                                                    {"MISCONF", Failure::misconf},
                                                    {"BUSY", Failure::busy},
                                                    {"MASTERDOWN", Failure::masterDown},
                                                    {"NOAUTH", Failure::noAuth},
                                                    {"WRONGPASS", Failure::noAuth},
                                                    {"NOPERM", Failure::noAuth},
                                                    {"CLUSTERDOWN", Failure::clusterDown},
                                                    {"MOVED", Failure::redirects},
                                                    {"ASK", Failure::redirects},
                                                    {"TRYAGAIN", Failure::redirects},
                                                    {"EXECABORT", Failure::execAbort},
                                                    {"WRONGTYPE", Failure::wrongType}}};
  const std::string_view prefix = errorText.substr(0, errorText.find(' '));
  for (const auto& [name, failure] : kByPrefix)
    if (prefix == name) return failure;
  return Failure::serverError;
}

std::optional<Failure> judgeWait(const ReplyView& reply, unsigned replicas) noexcept {
  if (reply.isError()) return Failure::unknownFate;
  unsigned count = 0;
  const char* const begin = reply.payload.data();
  const char* const end = begin + reply.payload.size();
  const auto read = std::from_chars(begin, end, count);
  if (reply.type != ReplyType::integer || read.ptr != end) return Failure::protocol;
  if (count < replicas) return Failure::underReplicated;
  return std::nullopt;
}

Judgement judge(OpKind kind, const ReplyView& reply) noexcept {
  using Outcome = Judgement::Outcome;
  if (reply.isError()) return {Outcome::failed, failureOf(reply.payload)};
  if (kind == OpKind::get) {
    if (reply.isNull) return {Outcome::miss};
    if (reply.type == ReplyType::bulk) return {Outcome::hit};
  } else if (reply.type == ReplyType::simple && reply.payload == "OK") {
    return {Outcome::stored};
  }
  return {Outcome::failed, Failure::protocol};
}

Judgement judge(PendingOp::Request request, const ReplyView& reply) noexcept {
  using Outcome = Judgement::Outcome;
  using Request = PendingOp::Request;
  if (reply.isError()) return {Outcome::failed, failureOf(reply.payload)};
  const bool ok = reply.type == ReplyType::simple && reply.payload == "OK";
  const bool number = reply.type == ReplyType::integer;
  switch (request) {
    case Request::own:
      break;
    case Request::refill:
      if (ok) return {Outcome::stored};
      break;
    case Request::invalidation:
      if (number) return {Outcome::stored};
      break;
    case Request::missLock:
    case Request::refreshLock:
      if (ok) return {Outcome::stored};
      if (reply.isNull) return {Outcome::miss};
      break;
    case Request::fencedRefill:
      if (number) return {reply.payload == "1" ? Outcome::stored : Outcome::miss};
      break;
  }
  return {Outcome::failed, Failure::protocol};
}

}  // namespace redline
