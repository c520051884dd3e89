#include "resp/scanner.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace redline {
namespace {

// A whole non-negative decimal of at most 19 digits.
std::optional<std::uint64_t> parseUnsigned(std::string_view text) noexcept {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool isInteger(std::string_view text) noexcept {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

ReplyScanner::Status ReplyScanner::general(std::string_view bytes, ReplyView& reply) noexcept {
  while (remaining_ != 0) {
    const Status status = element(bytes, top_);
    if (status == Status::complete) continue;
    if (status == Status::malformed) reset();
    return status;
  }
  reply = top_;
  reply.size = position_;
  if (reply.elements != 0) reply.payload = bytes.substr(payloadAt_, position_ - payloadAt_);
  reset();
  return Status::complete;
}

// Scans one element at position_ and moves behind it: a scalar with its body, or an aggregate's
// header, whose children are then owed. One counter is enough, since only the end matters.
ReplyScanner::Status ReplyScanner::element(std::string_view bytes, ReplyView& top) noexcept {
  const std::string_view rest = bytes.substr(position_);
  const std::size_t from = std::max(searched_, std::size_t{1});
  const std::size_t end = rest.size() > from ? rest.find('\n', from) : std::string_view::npos;
  if (end == std::string_view::npos) {
    searched_ = rest.size();
    return rest.size() > kMaxLine ? Status::malformed : Status::needMore;
  }
  if (end > kMaxLine) return Status::malformed;  // as if it had come in pieces
  searched_ = end;  // a bulk whose body is not there yet finds its header's end again at once
  if (end < 2 || rest[end - 1] != '\r') return Status::malformed;
  const auto type = static_cast<ReplyType>(rest[0]);
  const std::string_view line = rest.substr(1, end - 2);
  const std::size_t header = end + 1;

  ReplyView view{type, false, line, 0, 0};
  std::size_t size = header;
  std::uint64_t owed = 0;
  switch (type) {
    case ReplyType::simple:
    case ReplyType::error:
    case ReplyType::floating:
      break;
    case ReplyType::integer:
    case ReplyType::bigNumber:
      if (!isInteger(line)) return Status::malformed;
      break;
    case ReplyType::null:
      if (!line.empty()) return Status::malformed;
      view.isNull = true;
      break;
    case ReplyType::boolean:
      if (line != "t" && line != "f") return Status::malformed;
      break;
    case ReplyType::bulk:
    case ReplyType::bulkError:
    case ReplyType::verbatim: {
      if (type == ReplyType::bulk && line == "-1") {
        view.isNull = true;
        view.payload = {};
        break;
      }
      const auto length = parseUnsigned(line);
      if (!length || *length > kMaxBulk) return Status::malformed;
      size = header + *length + 2;
      if (rest.size() < size) return Status::needMore;
      if (rest[size - 2] != '\r' || rest[size - 1] != '\n') return Status::malformed;
      view.payload = rest.substr(header, *length);
      break;
    }
    case ReplyType::array:
    case ReplyType::set:
    case ReplyType::push:
    case ReplyType::map:
    case ReplyType::attribute: {
      view.payload = {};
      if (type == ReplyType::array && line == "-1") {
        view.isNull = true;
        break;
      }
      const auto count = parseUnsigned(line);
      if (!count || *count > kMaxElements) return Status::malformed;
      view.elements = *count;
      const bool pairs = type == ReplyType::map || type == ReplyType::attribute;
      owed = pairs ? 2 * *count : *count;
      break;
    }
    default:
      return Status::malformed;
  }
  if (remaining_ > kMaxElements || owed > 2 * kMaxElements) return Status::malformed;
  // An attribute precedes a reply and is not one itself: it does not settle what is owed.
  remaining_ += owed;
  if (type != ReplyType::attribute) --remaining_;
  // An attribute in front of the top-level reply is passed over, header and children; the view is
  // of the reply behind it.
  if (!topDone_) {
    if (type == ReplyType::attribute) {
      attributeOwed_ += owed;
    } else if (attributeOwed_ != 0) {
      attributeOwed_ += owed;
      --attributeOwed_;
    } else {
      top = view;
      topDone_ = true;
      payloadAt_ = position_ + size;
    }
  }
  position_ += size;
  searched_ = 0;
  return Status::complete;
}

}  // namespace redline
