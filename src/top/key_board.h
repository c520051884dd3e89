#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/key_look.h"

namespace redline {

/// What a name begins with, up to its first ':' or '{', and what is known of such keys.
struct KeyFamily {
  std::string prefix;  ///< "obj:*"; "*": names without either
  std::uint64_t keys = 0, bytes = 0;
  /// Of these the ones that stand for themselves alone: what was seen of them says nothing of keys
  /// that were not (see countOnce()).
  std::uint64_t onceKeys = 0, onceBytes = 0;
};

/// What the keys that were looked at say of all of a server's.
struct KeySample {
  std::uint64_t keys = 0;            ///< that the server has
  std::uint64_t looked = 0;          ///< of these, in the sweep that the figures are of
  bool whole = false;                ///< that sweep has seen every key that was there throughout
  bool counters = false;             ///< uses are known (an LFU policy)
  double uses = 0;                   ///< of all that were looked at, by usesOf()
  double logFactor = 10;             ///< lfu-log-factor
  std::vector<ExaminedKey> largest;  ///< the largest first
  std::vector<ExaminedKey> busiest;  ///< the most used first
  std::map<std::uint16_t, double> usesBySlot;
  std::vector<KeyFamily> families;  ///< as they were seen, the largest first

  /// From what was looked at to all keys.
  double scale() const;
  /// The families extrapolated to all keys, and to no more than `mostBytes` together where what was
  /// seen leaves that: keys that stand for themselves count once.
  std::vector<KeyFamily> extrapolated(double mostBytes) const;
};

/// Keeps account of a sweep through a server's keys: what is large, what is busy, what there is. A
/// sweep goes through all keys by SCAN, however long that takes; figures are of the last whole one,
/// until the present one has seen more. Sans I/O.
class KeyBoard {
 public:
  static constexpr std::size_t kKept = 8;  ///< keys of each ranking

  /// What the server is now: how many keys, whether it counts uses. A change of the latter begins
  /// anew.
  void describe(std::uint64_t keys, bool counters, double logFactor);
  /// Keys of the present sweep.
  void take(std::span<const ExaminedKey> keys);
  /// The present sweep has come to its end.
  void endSweep();

  /// Names in the rankings: what was large or busy may have changed or gone.
  std::vector<std::string> ranked() const;
  /// A new look at `asked`; those that are not among `keys` have gone.
  void takeAgain(std::span<const std::string> asked, std::span<const ExaminedKey> keys);
  /// A large key of which type and elements are not known yet; null: none.
  const ExaminedKey* undescribed() const;
  /// What was found of it.
  void describeKey(const ExaminedKey& key);

  KeySample sample() const;

 private:
  struct Family {
    std::uint64_t keys = 0, bytes = 0;
    std::vector<std::uint64_t> largest;  ///< bytes of its largest keys, the largest first
  };
  struct Sweep {
    std::uint64_t looked = 0;
    double uses = 0;
    std::map<std::uint16_t, double> usesBySlot;
    std::map<std::string, Family, std::less<>> families;
  };

  std::uint64_t keys_ = 0;
  bool counters_ = false;
  double logFactor_ = 10;
  Sweep present_, last_;
  bool whole_ = false;  ///< last_ is of a whole sweep
  std::vector<ExaminedKey> largest_, busiest_;
};

/// Says which keys of a family stand for themselves alone: all, where fewer than ten were seen, and
/// those that are larger than all smaller ones together. `largest`: bytes of its largest keys, the
/// largest first.
void countOnce(KeyFamily& family, std::span<const std::uint64_t> largest);

/// "obj:*" of "obj:42", "user*" of "user{7}:name", "*" of "42".
std::string familyOf(std::string_view name);

}  // namespace redline
