#include "resp/push.h"

namespace redline::detail {

Invalidation invalidationIn(const ReplyView& push) noexcept {
  constexpr Invalidation kOther{PushKind::other, {}};
  if (push.type != ReplyType::push || push.elements != 2) return kOther;
  ReplyScanner scanner;
  ReplyView name, keys;
  std::string_view rest = push.payload;
  if (scanner.next(rest, name) != ReplyScanner::Status::complete || name.payload != "invalidate")
    return kOther;
  rest.remove_prefix(name.size);
  if (scanner.next(rest, keys) != ReplyScanner::Status::complete) return kOther;
  if (keys.isNull) return {PushKind::flush, {}};
  if (keys.type != ReplyType::array) return kOther;
  return {PushKind::invalidation, keys};
}

}  // namespace redline::detail
