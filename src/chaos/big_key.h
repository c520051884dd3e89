#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/admin.h"

namespace redline {

/// One way to read something large.
struct BigRead {
  enum class What { keyspace, hash, list, set };

  std::string_view word;     ///< what a person calls it: "hgetall", "lrange-pages"
  std::string_view command;  ///< Redis's name: "HGETALL"
  What what;
  bool paged;  ///< in many short calls, rather than in one that is O(N)
};

/// nullptr when there is none of that name.
const BigRead* findBigRead(std::string_view word);

/// "big:hash:0", "big:list:0", "big:set:0"; empty for the keyspace.
std::string_view bigKeyOf(BigRead::What what);
/// HLEN, LLEN, SCARD or DBSIZE.
std::string_view lengthCommand(BigRead::What what);

/// Redis's word for what it has many of: "keys", "fields", "elements" or "members".
std::string_view elementsWord(BigRead::What what);

/// Creates the big key with `fields` elements of about `fieldSize` bytes each, in commands of a
/// thousand elements. `progress` gets how many there are, and returns false to end it early.
Status makeBigKey(Admin& admin, BigRead::What what, std::uint64_t fields, std::uint64_t fieldSize,
                  const std::function<bool(std::uint64_t)>& progress);
/// The memory it will take on the server (estimate: the elements, a dictionary's entry and two
/// allocations for each).
std::uint64_t bigKeyMemory(std::uint64_t fields, std::uint64_t fieldSize);

/// The result of a reading.
struct BigReadOutcome {
  std::uint64_t elements = 0;  ///< as elementsWord() has it; a field and its value are one
  std::uint64_t bytes = 0;     ///< of all replies
  std::uint64_t calls = 0;
  Nanos span = 0;         ///< from the first call to the last reply
  Nanos longestCall = 0;  ///< as the caller saw it
};

/// Reads all of it and drops it: a reply may be larger than this machine's memory. Pages have
/// `pageSize` elements. `interrupted` ends a paged reading early.
Result<BigReadOutcome> readBig(Admin& admin, const BigRead& read, std::uint64_t pageSize,
                               const std::function<bool()>& interrupted);

}  // namespace redline
