#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace redline {

/// A key of a data set, as an RDB file has it.
struct RdbEntry {
  enum class Kind : std::uint8_t { string, hash, list };
  Kind kind = Kind::string;
  std::string key;
  std::vector<std::string> parts;  ///< the value; names and values in turn; elements
  std::int64_t expireAt = -1;      ///< Unix time in milliseconds; -1: none

  bool operator==(const RdbEntry&) const = default;
};

/// A data set of up to `most` keys "key:0", …: strings of all lengths and of numbers, hashes and
/// lists, some of which expire an hour or more from `now`.
std::vector<RdbEntry> someEntries(Rng& rng, std::size_t most, std::int64_t now);

/// The file that RdbWriter makes of them, drained after every `drainEvery` entries (0: at the end).
std::string rdbOf(const std::vector<RdbEntry>& entries, std::size_t drainEvery = 0);

/// Reads such a file by code that shares nothing with the writer, its checksum bit by bit.
struct RdbReading {
  unsigned version = 0;
  std::uint64_t keys = 0, expiring = 0;  ///< what it announces
  std::vector<RdbEntry> entries;
  std::string problem;  ///< why it is not such a file; empty: it is
};
RdbReading readRdb(std::string_view file);

}  // namespace redline
