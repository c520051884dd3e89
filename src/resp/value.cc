#include "resp/value.h"

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace redline {
namespace {

using Type = Value::Type;

/// "+5" is a number, "+-5" is not; from_chars knows only the minus.
std::string_view withoutPlus(std::string_view text) {
  return text.starts_with('+') && !text.starts_with("+-") ? text.substr(1) : text;
}

std::optional<double> realIn(std::string_view text) {
  return toNumber<double>(withoutPlus(text));  // reads "inf", "-inf" and "nan" too
}

/// A length or a count. The scanner (scanner.cc) takes as many digits, leading zeros included.
std::optional<std::uint64_t> lengthIn(std::string_view text) {
  constexpr std::size_t kMostDigits = 19;
  return text.size() > kMostDigits ? std::nullopt : toNumber<std::uint64_t>(text);
}

bool isBigNumber(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Type> aggregateOf(char mark) {
  switch (mark) {
    case '*':
      return Type::array;
    case '%':
      return Type::map;
    case '~':
      return Type::set;
    case '>':
      return Type::push;
    case '|':
      return Type::attribute;
    default:
      return std::nullopt;
  }
}

std::optional<Type> bulkOf(char mark) {
  switch (mark) {
    case '$':
      return Type::bulk;
    case '!':
      return Type::error;
    case '=':
      return Type::verbatim;
    default:
      return std::nullopt;
  }
}

/// At most 32 bytes, unprintable ones as dots: for error messages.
std::string excerpt(std::string_view bytes) {
  std::string shown(bytes.substr(0, 32));
  for (char& c : shown)
    if (c < ' ' || c > '~') c = '.';
  return shown;
}

/// Space for this many items is set aside on a header's word; more only as they come.
constexpr std::uint64_t kTrustedItems = 64;

}  // namespace

bool Value::isAggregate() const {
  return type == Type::array || type == Type::map || type == Type::set || type == Type::push ||
         type == Type::attribute;
}

bool Value::isText() const {
  return type == Type::simple || type == Type::bulk || type == Type::verbatim;
}

std::optional<std::int64_t> Value::asInteger() const {
  if (type == Type::integer || type == Type::boolean) return integer;
  if (isText()) return toNumber<std::int64_t>(text);
  return std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (items[i].isText() && items[i].text == key) return &items[i + 1];
  return nullptr;
}

void ValueParser::feed(std::string_view bytes) {
  if (error_) return;
  compact();
  buffer_.append(bytes);
}

Result<bool> ValueParser::next(Value& out) {
  if (error_) return fail(*error_);
  for (;;) {
    std::optional<Value> done;
    auto moved = step(done);
    if (!moved) return fail(std::move(moved.error()));
    if (!*moved) return false;
    if (done && place(std::move(*done), out)) return true;
  }
}

/// Consumes a line or a piece of a bulk. `done` is set when that finished a value that holds no
/// others.
Result<bool> ValueParser::step(std::optional<Value>& done) {
  if (bulk_) return readBulk(done);
  std::string_view line;
  auto whole = readLine(line);
  if (!whole || !*whole) return whole;
  if (auto read = readHeader(line, done); !read) return fail(std::move(read.error()));
  return true;
}

/// A line without its CRLF. It points into the buffer: good until the next feed().
Result<bool> ValueParser::readLine(std::string_view& line) {
  const std::size_t end = buffer_.find('\n', std::max(scanned_, position_));
  const std::size_t length = (end == std::string::npos ? buffer_.size() : end) - position_;
  if (length > limits_.lineBytes) return broken("a line without an end");
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    // A peer of another protocol is detected at its first byte, before any line end.
    if (buffered() != 0 &&
        std::string_view("+-:$*_%~>,#(=!|").find(buffer_[position_]) == std::string_view::npos)
      return broken(excerpt(std::string_view(buffer_).substr(position_)));
    return false;
  }
  line = std::string_view(buffer_).substr(position_, length);
  if (line.size() < 2 || line.back() != '\r') return broken(excerpt(line));
  line.remove_suffix(1);
  position_ = scanned_ = end + 1;
  return true;
}

Status ValueParser::readHeader(std::string_view line, std::optional<Value>& done) {
  const char mark = line.front();
  const std::string_view body = line.substr(1);
  if (!frames_.empty() && limits_.keep && ++elements_ > limits_.elements)
    return broken("more elements than a reply may have");
  if (!hasRoomFor(line.size())) return broken("a reply longer than any that is expected");
  if (const auto type = aggregateOf(mark)) return openAggregate(*type, body, done);
  if (const auto type = bulkOf(mark)) return openBulk(*type, body, done);
  Value value;
  if (mark == '+' || mark == '-' || (mark == '(' && isBigNumber(body))) {
    value.type = mark == '+' ? Type::simple : mark == '-' ? Type::error : Type::bigNumber;
    value.text = body;
  } else if (auto number = readNumber(mark, body, value); !number) {
    return broken(excerpt(line));
  }
  done = std::move(value);
  return {};
}

Status ValueParser::readNumber(char mark, std::string_view body, Value& value) const {
  const auto no = [] { return fail(ErrorCode::invalidInput, "no such type or number"); };
  if (mark == ':') {
    const auto number = toNumber<std::int64_t>(withoutPlus(body));
    if (!number) return no();
    value.type = Type::integer;
    value.integer = *number;
  } else if (mark == ',') {
    const auto number = realIn(body);
    if (!number) return no();
    value.type = Type::real;
    value.real = *number;
    value.text = body;
  } else if (mark == '#') {
    if (body != "t" && body != "f") return no();
    value.type = Type::boolean;
    value.integer = body == "t" ? 1 : 0;
  } else if (mark != '_' || !body.empty()) {
    return no();
  }
  return {};
}

Status ValueParser::openAggregate(Value::Type type, std::string_view body,
                                  std::optional<Value>& done) {
  if (type == Type::array && body == "-1") {
    done.emplace();
    return {};
  }
  const auto count = lengthIn(body);
  const std::uint64_t each = type == Type::map || type == Type::attribute ? 2 : 1;
  if (!count || *count > std::numeric_limits<std::uint32_t>::max() ||
      (limits_.keep && *count * each > limits_.elements))
    return broken(fmt::format("an aggregate of {} elements", excerpt(body)));
  Value value;
  value.type = type;
  if (!limits_.keep) value.integer = static_cast<std::int64_t>(*count);
  // An attribute is not an element of its parent: an empty one inside a reply is skipped.
  if (*count == 0 && (type != Type::attribute || frames_.empty())) {
    done = std::move(value);
    return {};
  }
  if (*count == 0) return {};
  if (frames_.size() >= limits_.depth) return broken("a reply nested too deep");
  if (limits_.keep)
    value.items.reserve(static_cast<std::size_t>(std::min(*count * each, kTrustedItems)));
  frames_.push_back({std::move(value), *count * each});
  return {};
}

Status ValueParser::openBulk(Value::Type type, std::string_view body, std::optional<Value>& done) {
  if (type == Type::bulk && body == "-1") {
    done.emplace();
    return {};
  }
  const auto length = lengthIn(body);
  if (!length || (limits_.keep && *length > limits_.bulkBytes))
    return broken(fmt::format("a string of {} bytes", excerpt(body)));
  if (!hasRoomFor(*length)) return broken("a reply longer than any that is expected");
  bulk_.emplace();
  bulk_->value.type = type;
  if (!limits_.keep) bulk_->value.integer = static_cast<std::int64_t>(*length);
  bulk_->remaining = *length;
  return {};
}

/// Takes what is there of a bulk's payload; each byte is moved once.
Result<bool> ValueParser::readBulk(std::optional<Value>& done) {
  const std::size_t take =
      static_cast<std::size_t>(std::min<std::uint64_t>(bulk_->remaining, buffered()));
  if (limits_.keep) bulk_->value.text.append(buffer_, position_, take);
  position_ += take;
  scanned_ = position_;
  bulk_->remaining -= take;
  if (bulk_->remaining != 0 || buffered() < 2) return false;
  if (buffer_.compare(position_, 2, "\r\n") != 0) return broken("a string longer than announced");
  position_ += 2;
  scanned_ = position_;
  Value value = std::move(bulk_->value);
  bulk_.reset();
  if (value.type == Type::verbatim && limits_.keep) {
    if (value.text.size() < 4 || value.text[3] != ':') return broken("a verbatim without a format");
    value.text.erase(0, 4);
  }
  done = std::move(value);
  return true;
}

/// Counts bytes of the reply that are to be kept.
bool ValueParser::hasRoomFor(std::uint64_t bytes) {
  textBytes_ += bytes;
  return !limits_.keep || textBytes_ <= limits_.replyBytes;
}

/// Puts a finished value into the aggregate that waits for it, and finishes those that it
/// completes. True: `value` or the outermost aggregate is the whole reply, now in `out`.
bool ValueParser::place(Value&& value, Value& out) {
  while (!frames_.empty()) {
    Frame& parent = frames_.back();
    if (limits_.keep) parent.value.items.push_back(std::move(value));
    if (--parent.remaining != 0) return false;
    Value finished = std::move(parent.value);
    frames_.pop_back();
    if (finished.type == Type::attribute && !frames_.empty()) return false;  // not an element
    value = std::move(finished);
  }
  out = std::move(value);
  elements_ = textBytes_ = 0;
  return true;
}

tl::unexpected<Error> ValueParser::broken(std::string what) {
  error_ = Error{ErrorCode::invalidInput, fmt::format("not RESP: {}", what)};
  buffer_.clear();
  frames_.clear();
  bulk_.reset();
  position_ = scanned_ = 0;
  return fail(*error_);
}

/// Drops used bytes once they are at least half of the buffer, so that each byte moves O(1) times.
void ValueParser::compact() {
  if (position_ < buffer_.size() - position_) return;
  buffer_.erase(0, position_);
  scanned_ -= position_;
  position_ = 0;
}

}  // namespace redline
