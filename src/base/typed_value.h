#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

// What a person may set: flags, parameters of experiments and parameters of faults. All are texts
// until parseValue() reads them.

enum class ValueKind : std::uint8_t {
  count,      ///< a whole number: 100M
  size,       ///< bytes: 4KB
  duration,   ///< 250us
  number,     ///< a decimal number, 0 or more
  rate,       ///< so many a second: 200k, 0.5
  share,      ///< 0…1, or a percentage
  boolean,    ///< true or false
  text,       ///< anything
  choice,     ///< one of `choices`
  path,       ///< a file or a directory
  cpuList,    ///< 0,2-3
  hostPort,   ///< HOST:PORT; read as a text here, checked by cmd
  endpoints,  ///< HOST:PORT or unix:/path, several with commas; likewise
};

struct ValueSpec {
  ValueKind kind = ValueKind::text;
  /// The values of a choice; of every other kind, words accepted besides (as `-rate max`).
  std::span<const std::string_view> choices = {};
  bool positive = false;  ///< zero is refused
  /// The smallest and the largest value that is accepted, as one would type them; empty: what the
  /// kind can hold.
  std::string_view least = {}, most = {};
  std::string_view example = {};  ///< for errors; empty: one of the kind
};

/// By kind: count and size, duration, number, rate and share, boolean, cpuList, and the texts.
/// Empty (monostate): one of the words accepted besides.
using ValueContent = std::variant<std::monostate, std::uint64_t, Nanos, double, bool,
                                  std::vector<unsigned>, std::string>;

struct TypedValue {
  ValueContent content;
  std::string text;  ///< canonical: parses to the same value again
};

/// Reads one value. usage: the message has the text, what is wrong with it, and an example or a
/// suggestion; it does not name what is set, which the caller knows.
Result<TypedValue> parseValue(const ValueSpec& spec, std::string_view text);

/// The elements of a list, as every list is written: "1, 8,16" → {"1", "8", "16"}. An empty text
/// has one empty element.
std::vector<std::string_view> listElements(std::string_view text);

/// "0,2-3" → {0, 2, 3}; ascending, no duplicates.
Result<std::vector<unsigned>> parseCpuList(std::string_view text);

/// "a count", "a text".
std::string_view nameOf(ValueKind kind);
/// A value of that kind as one would type it: "100k".
std::string_view exampleOf(ValueKind kind);

}  // namespace redline
