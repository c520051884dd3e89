#include "fuzz/resp_check.h"

#include <fmt/format.h>
#include <hiredis/read.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "resp/scanner.h"
#include "resp/value.h"

namespace redline {
namespace {

using Type = Value::Type;

template <typename Reply>
struct Reading {
  struct Found {
    Reply reply;
    std::size_t end;  ///< bytes from the start of the input
  };
  std::vector<Found> found;
  bool malformed = false;

  std::size_t end(std::size_t count) const { return count == 0 ? 0 : found[count - 1].end; }
};

/// A ReplyView that owns its payload.
struct Scanned {
  ReplyType type = ReplyType::null;
  bool isNull = false;
  std::uint64_t elements = 0;
  std::string payload;

  bool operator==(const Scanned&) const = default;
};

using ScannerReading = Reading<Scanned>;
using ValueReading = Reading<Value>;

/// `bytes` in memory of their own, so that AddressSanitizer sees a read behind them.
class Shown {
 public:
  explicit Shown(std::string_view bytes) : size_(bytes.size()), copy_(new char[bytes.size()]) {
    if (size_ != 0) std::memcpy(copy_.get(), bytes.data(), size_);
  }
  std::string_view view() const { return {copy_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> copy_;
};

/// Ends of the pieces, ascending, the last one the end of the bytes.
using Pieces = std::vector<std::size_t>;

ScannerReading scan(std::string_view bytes, const Pieces& pieces) {
  ScannerReading reading;
  ReplyScanner scanner;
  std::size_t start = 0;
  for (const std::size_t end : pieces) {
    const Shown shown(bytes.substr(start, end - start));
    std::string_view rest = shown.view();
    while (!rest.empty()) {
      ReplyView reply;
      const auto status = scanner.next(rest, reply);
      if (status == ReplyScanner::Status::needMore) break;
      reading.malformed = status == ReplyScanner::Status::malformed;
      if (reading.malformed) return reading;
      start += reply.size;
      rest.remove_prefix(reply.size);
      reading.found.push_back(
          {{reply.type, reply.isNull, reply.elements, std::string(reply.payload)}, start});
    }
  }
  return reading;
}

ValueReading parse(std::string_view bytes, const Pieces& pieces) {
  ValueReading reading;
  ValueParser parser;
  std::size_t fed = 0;
  for (const std::size_t end : pieces) {
    const Shown shown(bytes.substr(fed, end - fed));
    parser.feed(shown.view());
    fed = end;
    for (;;) {
      Value value;
      const auto more = parser.next(value);
      reading.malformed = !more;
      if (!more) return reading;
      if (!*more) break;
      reading.found.push_back({std::move(value), fed - parser.buffered()});
    }
  }
  return reading;
}

// hiredis builds its replies through these; a Value holds every reply of RESP2.

void* put(const redisReadTask* task, Value&& value) {
  if (task->parent == nullptr) return new Value(std::move(value));
  auto& siblings = static_cast<Value*>(task->parent->obj)->items;
  siblings.push_back(std::move(value));
  return &siblings.back();
}

Value valueOf(Type type, std::int64_t integer = 0, std::string text = {}) {
  Value value;
  value.type = type;
  value.integer = integer;
  value.text = std::move(text);
  return value;
}

void* putString(const redisReadTask* task, char* text, std::size_t size) {
  const Type type = task->type == REDIS_REPLY_ERROR    ? Type::error
                    : task->type == REDIS_REPLY_STATUS ? Type::simple
                                                       : Type::bulk;
  return put(task, valueOf(type, 0, std::string(text, size)));
}

void* putArray(const redisReadTask* task, int) {
  return put(task, valueOf(Type::array));
}

void* putInteger(const redisReadTask* task, long long number) {
  return put(task, valueOf(Type::integer, number));
}

void* putNull(const redisReadTask* task) {
  return put(task, valueOf(Type::null));
}

void drop(void* value) {
  delete static_cast<Value*>(value);
}

ValueReading readWithHiredis(std::string_view bytes) {
  static redisReplyObjectFunctions functions{putString, putArray, putInteger, putNull, drop};
  const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(
      redisReaderCreateWithFunctions(&functions), redisReaderFree);
  ValueReading reading;
  redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  for (;;) {
    void* reply = nullptr;
    reading.malformed = redisReaderGetReply(reader.get(), &reply) != REDIS_OK;
    if (reading.malformed || reply == nullptr) return reading;
    const std::unique_ptr<Value> value(static_cast<Value*>(reply));
    reading.found.push_back({std::move(*value), bytes.size() - (reader->len - reader->pos)});
  }
}

/// Like ==, where a NaN equals itself.
bool same(const Value& a, const Value& b) {
  if (a.type != b.type || a.integer != b.integer || a.text != b.text ||
      a.items.size() != b.items.size())
    return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same(a.items[i], b.items[i])) return false;
  return true;
}

bool same(const Scanned& a, const Scanned& b) {
  return a == b;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view withoutPlus(std::string_view text) {
  return text.starts_with('+') && !text.starts_with("+-") ? text.substr(1) : text;
}

/// The scanner's view of a reply, its elements scanned in turn, against the parser's tree.
bool same(const Scanned& scanned, const Value& value) {
  if (scanned.isNull || value.isNull())
    return scanned.isNull && value.isNull() && scanned.payload.empty();
  const std::string_view payload = scanned.payload;
  const auto text = [&](Type type) { return value.type == type && value.text == payload; };
  std::uint64_t items = scanned.elements;
  Type aggregate = Type::array;
  switch (scanned.type) {
    case ReplyType::simple:
      return text(Type::simple);
    case ReplyType::error:
    case ReplyType::bulkError:
      return text(Type::error);
    case ReplyType::bulk:
      return text(Type::bulk);
    case ReplyType::floating:
      return text(Type::real);
    case ReplyType::bigNumber:
      return text(Type::bigNumber);
    case ReplyType::verbatim:
      return value.type == Type::verbatim && payload.substr(4) == value.text;
    case ReplyType::integer:
      return value.type == Type::integer &&
             number<std::int64_t>(withoutPlus(payload)) == value.integer;
    case ReplyType::boolean:
      return value.type == Type::boolean && (payload == "t") == (value.integer == 1);
    case ReplyType::array:
      break;
    case ReplyType::set:
      aggregate = Type::set;
      break;
    case ReplyType::push:
      aggregate = Type::push;
      break;
    case ReplyType::map:
      aggregate = Type::map;
      items *= 2;
      break;
    default:
      return false;
  }
  if (value.type != aggregate || value.items.size() != items) return false;
  const auto children = scan(payload, {payload.size()});
  if (children.malformed || children.found.size() != items || children.end(items) != payload.size())
    return false;
  for (std::size_t i = 0; i < items; ++i)
    if (!same(children.found[i].reply, value.items[i])) return false;
  return true;
}

/// What readers may take differently, by the first such place behind `rest`'s beginning.
enum class Odd {
  nothing,
  parserRefuses,   ///< a limit, or a number that the scanner does not look into
  longLine,        ///< the scanner's limit is lower
  bothOursRefuse,  ///< hiredis does not look at it
  hiredisRefuses,  ///< hiredis is stricter, or knows no RESP3
};

constexpr std::uint64_t kMostElements = 1 << 25;  // of one reply, all levels together
constexpr std::uint64_t kMostBulk = 1 << 30;      // and of all texts of one reply
constexpr std::size_t kMostDepth = 64;
constexpr std::size_t kHiredisDepth = 8;
constexpr std::string_view kResp3 = "_%~>,#(=!|";

template <typename Number>
bool canonical(std::string_view line) {
  const auto value = number<Number>(line);
  return value && fmt::format("{}", *value) == line;
}

/// Walks over the elements of a stream as far as it is well-formed, and stops at the first oddity
/// for which `matters` holds.
template <typename Matters>
Odd firstOddity(std::string_view rest, Matters matters) {
  const auto is = [&](Odd odd, bool here) { return here && matters(odd); };
  std::vector<std::uint64_t> open;
  std::uint64_t elements = 0, texts = 0;  // of the reply so far
  while (!rest.empty()) {
    const char mark = rest[0];
    if (is(Odd::hiredisRefuses, kResp3.find(mark) != std::string_view::npos))
      return Odd::hiredisRefuses;
    if (is(Odd::hiredisRefuses, mark == '*' && open.size() >= kHiredisDepth))
      return Odd::hiredisRefuses;
    const std::size_t end = rest.find('\n', 1);
    if (is(Odd::longLine, std::min(end, rest.size()) > ReplyScanner::kMaxLine))
      return Odd::longLine;
    if (end == std::string_view::npos) {
      const bool known = std::strchr("+-:$*_%~>,#(=!|", mark) != nullptr && mark != '\0';
      return is(Odd::parserRefuses, !known) ? Odd::parserRefuses : Odd::nothing;
    }
    if (end < 2 || rest[end - 1] != '\r')
      return is(Odd::bothOursRefuse, true) ? Odd::bothOursRefuse : Odd::nothing;
    const std::string_view line = rest.substr(1, end - 2);
    rest.remove_prefix(end + 1);
    texts += 1 + line.size();
    if (!open.empty()) ++elements;
    if (is(Odd::parserRefuses, elements > kMostElements || texts > kMostBulk))
      return Odd::parserRefuses;
    const bool counted = mark == ':' || mark == '$' || mark == '*';
    if (is(Odd::hiredisRefuses, counted && !canonical<std::int64_t>(line)))
      return Odd::hiredisRefuses;
    if (mark == ':' && is(Odd::parserRefuses, !number<std::int64_t>(withoutPlus(line))))
      return Odd::parserRefuses;
    if (mark == ',' && is(Odd::parserRefuses, !number<double>(withoutPlus(line))))
      return Odd::parserRefuses;
    const bool null = (mark == '$' || mark == '*') && line == "-1";
    if (!null && (mark == '$' || mark == '=' || mark == '!')) {
      const auto length = number<std::uint64_t>(line);
      if (!length) return Odd::nothing;
      if (is(Odd::parserRefuses, *length > kMostBulk - std::min(texts, kMostBulk)))
        return Odd::parserRefuses;
      texts += *length;
      if (rest.size() < *length || rest.size() - *length < 2) return Odd::nothing;
      if (rest.substr(*length, 2) != "\r\n")
        return is(Odd::bothOursRefuse, true) ? Odd::bothOursRefuse : Odd::nothing;
      if (is(Odd::parserRefuses, mark == '=' && (*length < 4 || rest[3] != ':')))
        return Odd::parserRefuses;
      rest.remove_prefix(*length + 2);
    }
    if (!null && std::strchr("*~>%|", mark) != nullptr) {
      const auto count = number<std::uint64_t>(line);
      if (!count || *count > std::numeric_limits<std::uint64_t>::max() / 2) return Odd::nothing;
      const std::uint64_t owed = mark == '%' || mark == '|' ? 2 * *count : *count;
      if (is(Odd::parserRefuses, owed > kMostElements)) return Odd::parserRefuses;
      if (is(Odd::parserRefuses, owed != 0 && open.size() >= kMostDepth)) return Odd::parserRefuses;
      // An attribute is not an element; it adds its own and does not settle one.
      if (owed != 0) {
        open.push_back(mark == '|' ? owed + 1 : owed);
        continue;
      }
      if (mark == '|') continue;
    }
    while (!open.empty() && --open.back() == 0) open.pop_back();
    if (open.empty()) elements = texts = 0;
  }
  return Odd::nothing;
}

template <typename A, typename B>
Disagreement compare(std::string_view nameA, const Reading<A>& a, std::string_view nameB,
                     const Reading<B>& b, std::size_t& common) {
  common = std::min(a.found.size(), b.found.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (a.found[i].end != b.found[i].end)
      return fmt::format("reply {} ends at {} for {} and at {} for {}", i, a.found[i].end, nameA,
                         b.found[i].end, nameB);
    if (!same(a.found[i].reply, b.found[i].reply))
      return fmt::format("reply {} (to {}) is not the same for {} and {}", i, a.found[i].end, nameA,
                         nameB);
  }
  if (a.found.size() == b.found.size() && a.malformed == b.malformed) return {};
  const auto end = [](const auto& of) { return of.malformed ? "refuses the rest" : "wants more"; };
  return fmt::format("{} finds {} replies and {}, {} finds {} and {}", nameA, a.found.size(),
                     end(a), nameB, b.found.size(), end(b));
}

template <typename Reply>
Disagreement compareAlike(std::string_view name, const Reading<Reply>& whole,
                          const Reading<Reply>& split) {
  std::size_t common = 0;
  return compare(fmt::format("{}, all at once,", name), whole, fmt::format("{}, in pieces,", name),
                 split, common);
}

/// The parser hands attributes out; the scanner passes over them.
ValueReading withoutAttributes(const ValueReading& reading) {
  ValueReading rest;
  rest.malformed = reading.malformed;
  for (const auto& found : reading.found)
    if (found.reply.type != Type::attribute) rest.found.push_back(found);
  return rest;
}

Disagreement compareOurs(std::string_view bytes, const ScannerReading& scanner,
                         const ValueReading& parser) {
  std::size_t common = 0;
  const ValueReading values = withoutAttributes(parser);
  auto differs = compare("the scanner", scanner, "the parser", values, common);
  if (!differs) return {};
  const bool parserStopped = values.found.size() == common && values.malformed;
  const bool scannerStopped = scanner.found.size() == common && scanner.malformed;
  if (common != std::min(values.found.size(), scanner.found.size())) return differs;
  // Each may refuse what only the other takes; what it refuses is found behind the common replies.
  const Odd allowed = parserStopped    ? Odd::parserRefuses
                      : scannerStopped ? Odd::longLine
                                       : Odd::nothing;
  const auto rest = bytes.substr(scanner.end(common));
  if (allowed != Odd::nothing &&
      firstOddity(rest, [&](Odd odd) { return odd == allowed; }) == allowed)
    return {};
  return differs;
}

}  // namespace

Disagreement differsFromHiredis(std::string_view bytes) {
  const Pieces whole{bytes.size()};
  const auto scanner = scan(bytes, whole);
  const auto parser = parse(bytes, whole);
  if (auto differs = compareOurs(bytes, scanner, parser)) return differs;
  const auto hiredis = readWithHiredis(bytes);
  std::size_t common = 0;
  auto differs = compare("the parser", parser, "hiredis", hiredis, common);
  if (!differs) return {};
  const auto rest = bytes.substr(hiredis.end(common));
  switch (firstOddity(rest, [](Odd) { return true; })) {
    case Odd::nothing:
      return differs;
    case Odd::hiredisRefuses:
      if (hiredis.found.size() == common && hiredis.malformed) return {};
      return differs;
    case Odd::bothOursRefuse:
    case Odd::longLine:
    case Odd::parserRefuses:
      if (parser.found.size() == common && parser.malformed) return {};
      return differs;
  }
  return differs;
}

Disagreement differsWhenSplit(std::string_view bytes, std::uint64_t seed) {
  const Pieces whole{bytes.size()};
  Rng rng(seed);
  // Single bytes, or few, or many: each finds mistakes that the others miss.
  const std::uint64_t longest =
      bytes.size() <= 256 && rng.below(4) == 0
          ? 1
          : 1 + rng.below(rng.below(2) == 0 ? bytes.size() / 8 + 8 : bytes.size() / 2 + 8);
  Pieces pieces;
  for (std::size_t end = 0; end < bytes.size();) {
    end = std::min(bytes.size(), end + 1 + rng.below(longest));
    pieces.push_back(end);
  }
  const auto scanner = scan(bytes, whole);
  const auto parser = parse(bytes, whole);
  if (auto differs = compareOurs(bytes, scanner, parser)) return differs;
  if (auto differs = compareAlike("the scanner", scanner, scan(bytes, pieces))) return differs;
  return compareAlike("the parser", parser, parse(bytes, pieces));
}

}  // namespace redline
