#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/admin.h"

namespace redline {

// Looking at a server's keys a few at a time, with commands that only read. Each takes a
// microsecond or a few of the server; a batch is executed in one go, so callers keep it small.
// Names are as the server has them: anything may be in them. Errors: refused, with the server's
// words, where this user may not have the command, and nothing else; unreachable, timeout;
// invalidInput: another error, which passes.

/// A key as it was when it was looked at.
struct ExaminedKey {
  std::string name;
  std::uint64_t bytes = 0;     ///< MEMORY USAGE: an estimate, of five elements where it has many
  std::uint64_t reads = 0;     ///< OBJECT FREQ under an LFU policy: 0 … 255, a logarithm
  std::string type;            ///< "hash"; empty: not asked for
  std::uint64_t elements = 0;  ///< fields, members, elements; 0: not asked for, or a string
};

/// Up to `count` names by RANDOMKEY, which favours keys whose neighbours in the hash table are
/// empty; a name may come twice. Fewer where the server has no key.
Result<std::vector<std::string>> drawKeys(Admin& admin, std::size_t count);

struct KeyPage {
  std::vector<std::string> names;
  std::string next;  ///< cursor; "0": that was the last page
};
/// One call of SCAN; `cursor` is "0" at first.
Result<KeyPage> scanKeys(Admin& admin, std::string_view cursor, std::size_t count);

/// Sizes, and under an LFU policy (`counters`) how often they are used. Keys that have gone
/// meanwhile are left out, as are those whose slot is just being moved.
Result<std::vector<ExaminedKey>> examineKeys(Admin& admin, std::span<const std::string> names,
                                             bool counters);

/// The command that counts a type's elements, "HLEN"; empty of a string and of a module's type.
std::string_view countingCommand(std::string_view type);

/// Type and number of elements, for the few that are worth it: as a read by any client it counts
/// as a use of the key. Unchanged when the key has gone, or is just being moved.
Status addElements(Admin& admin, ExaminedKey& key);

/// Puts the key among the first `most` by `before`, unless its name is there.
template <typename Before>
void keepFirst(std::vector<ExaminedKey>& kept, const ExaminedKey& key, std::size_t most,
               Before before) {
  if (std::ranges::find(kept, key.name, &ExaminedKey::name) != kept.end()) return;
  kept.insert(std::ranges::upper_bound(kept, key, before), key);
  if (kept.size() > most) kept.pop_back();
}
inline bool isLarger(const ExaminedKey& a, const ExaminedKey& b) {
  return a.bytes > b.bytes;
}
inline bool isBusier(const ExaminedKey& a, const ExaminedKey& b) {
  return a.reads > b.reads;
}

/// How many keys each of these slots has on a cluster's node.
Result<std::vector<std::uint64_t>> countKeysInSlots(Admin& admin,
                                                    std::span<const std::uint16_t> slots);

/// True of "allkeys-lfu" and "volatile-lfu": Redis then counts how often keys are used.
bool countsUses(std::string_view evictionPolicy);

/// How many uses, about, a counter of OBJECT FREQ stands for, without its decay (src/evict.c,
/// LFULogIncr): from 5 on, each step is one in (counter − 5) × `logFactor` + 1 uses. It is full at
/// 255.
double usesOf(std::uint64_t counter, double logFactor = 10);

}  // namespace redline
