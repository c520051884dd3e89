#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redline {

/// One reply of RESP2 or RESP3 as a tree: for administration and tests, not for the hot path.
struct Value {
  enum class Type : std::uint8_t {
    null,       ///< `_`, `$-1` and `*-1`
    simple,     ///< `+`
    error,      ///< `-` and `!`; text begins with its code, as in "WRONGTYPE Operation …"
    integer,    ///< `:`
    bulk,       ///< `$`
    array,      ///< `*`
    map,        ///< `%`: items are key, value, key, value, …
    set,        ///< `~`
    push,       ///< `>`: out of band, answers no command
    real,       ///< `,`: text keeps the digits as sent
    boolean,    ///< `#`: integer is 0 or 1
    bigNumber,  ///< `(`: text holds the digits
    verbatim,   ///< `=`: text without its format
    attribute,  ///< `|`: items as in a map; comes before the reply that it describes
  };

  Type type = Type::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<Value> items;

  bool isNull() const { return type == Type::null; }
  bool isError() const { return type == Type::error; }
  bool isAggregate() const;
  /// simple, bulk or verbatim.
  bool isText() const;
  /// The number in an integer, a boolean, or a text that spells one ("CONFIG GET" answers so).
  std::optional<std::int64_t> asInteger() const;
  /// The value that follows `key` in a map, or in a RESP2 array of pairs; null where there is none.
  const Value* find(std::string_view key) const;

  bool operator==(const Value&) const = default;
};

/// Reads replies from bytes that come in any pieces.
///
///   parser.feed(bytes);
///   while (parser.next(value) is true) use(value);
///
/// Safe on any bytes: depth, lengths and counts are limited, nothing is reserved on a peer's word
/// alone, and the work is linear in the bytes however they are split. An attribute at the top level
/// is a value of its own; attributes inside a reply are read and dropped.
class ValueParser {
 public:
  struct Limits {
    std::size_t depth = 64;
    std::size_t lineBytes = 1 << 20;      ///< of a simple string, an error, a header
    std::size_t bulkBytes = 1ULL << 30;   ///< Redis's proto-max-bulk-len is 512 MB
    std::size_t elements = 1 << 25;       ///< in one reply, all levels together
    std::size_t replyBytes = 1ULL << 30;  ///< of all texts of one reply together
    /// false: the reply is read through and only its own type and, in `integer`, the number of
    /// elements (aggregates) or bytes (texts) is kept: for replies larger than memory. The limits
    /// on bulkBytes, elements and replyBytes do not apply then.
    bool keep = true;
  };

  ValueParser() = default;
  explicit ValueParser(const Limits& limits) : limits_(limits) {}

  /// Adds bytes as they came.
  void feed(std::string_view bytes);
  /// true: `out` is the next whole reply. false: it needs more bytes. invalidInput: the bytes are
  /// not RESP; the stream is lost and every later call says the same.
  Result<bool> next(Value& out);
  /// Bytes fed and not yet part of a returned reply's finished elements.
  std::size_t buffered() const { return buffer_.size() - position_; }
  /// True between two replies, with nothing buffered.
  bool idle() const { return buffered() == 0 && frames_.empty() && !bulk_; }

 private:
  struct Frame {
    Value value;
    std::uint64_t remaining = 0;
  };
  struct Bulk {
    Value value;
    std::uint64_t remaining;  ///< of the payload; the CRLF follows
  };

  Result<bool> step(std::optional<Value>& done);
  Result<bool> readLine(std::string_view& line);
  Result<bool> readBulk(std::optional<Value>& done);
  Status readHeader(std::string_view line, std::optional<Value>& done);
  Status readNumber(char mark, std::string_view body, Value& value) const;
  Status openAggregate(Value::Type type, std::string_view body, std::optional<Value>& done);
  Status openBulk(Value::Type type, std::string_view body, std::optional<Value>& done);
  bool hasRoomFor(std::uint64_t bytes);
  bool place(Value&& value, Value& out);
  tl::unexpected<Error> broken(std::string what);
  void compact();

  Limits limits_;
  std::string buffer_;
  std::size_t position_ = 0;  ///< first byte not yet used
  std::size_t scanned_ = 0;   ///< no line end before this one
  std::vector<Frame> frames_;
  std::optional<Bulk> bulk_;
  std::uint64_t elements_ = 0;
  std::uint64_t textBytes_ = 0;  ///< of the reply that is being read
  std::optional<Error> error_;
};

}  // namespace redline
