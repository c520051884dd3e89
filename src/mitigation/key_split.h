#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "workload/key_chooser.h"

namespace redline {

/// Where the copies of a split key lie.
enum class SplitMode : std::uint8_t {
  spread,  ///< `hot:42:7`: over all masters evenly; the copies cannot be written atomically
  tag,     ///< `hot:{42}:3`: in one slot; one MSET writes them all, and no load is spread
};

struct SplitPlan {
  SplitMode mode = SplitMode::spread;
  unsigned ways = 4;       ///< copies of each hot key, 1 … kMaxSplitWays
  std::uint64_t hot = 10;  ///< how many ids are split: the hottest ranks
};
inline constexpr unsigned kMaxSplitWays = 250;
/// The longest split key, in bytes: `hot:{`, 20 digits, `}:`, and a suffix.
inline constexpr std::size_t kMaxSplitKeyLength = 40;

/// The names of split keys: the hottest `hot` ids have `ways` copies each. Immutable; workers share
/// one. A copy holds the id's own value (src/workload/values.h), so it verifies itself.
class KeySplit {
 public:
  /// Which of the masters 0 … n−1 serves a key; n: none does.
  using MasterOf = std::function<unsigned(std::string_view key)>;

  /// The names for `masters` masters. In mode `spread` the suffixes are the smallest numbers that
  /// give every master ⌊ways/masters⌋ or ⌈ways/masters⌉ copies of each id; which masters have one
  /// more goes round from id to id. Fails (usage) for ways or hot out of range, or when no suffix
  /// reaches some master (it has no slots).
  static Result<KeySplit> make(const SplitPlan& plan, const KeyChooser& keys,
                               std::uint64_t keyCount, unsigned masters, const MasterOf& masterOf);

  /// The hot rank of `id`, when it is split.
  std::optional<std::uint32_t> hotIndex(std::uint64_t id) const noexcept {
    const std::uint64_t rank = keys_.rankOf(id);
    if (rank >= plan_.hot) return std::nullopt;
    return static_cast<std::uint32_t>(rank);
  }
  std::uint64_t idOf(std::uint32_t hot) const noexcept { return keys_.hottest(hot); }
  /// Copy `way` < ways() of the hot id `hot` < hot().
  std::string_view key(std::uint32_t hot, unsigned way) const noexcept {
    return names_[std::size_t{hot} * plan_.ways + way];
  }
  /// Which copy a read takes.
  unsigned pick(Rng& rng) const noexcept { return static_cast<unsigned>(rng.below(plan_.ways)); }

  const SplitPlan& plan() const noexcept { return plan_; }
  unsigned ways() const noexcept { return plan_.ways; }
  std::uint32_t hot() const noexcept { return static_cast<std::uint32_t>(plan_.hot); }

 private:
  KeySplit(const SplitPlan& plan, const KeyChooser& keys) : plan_(plan), keys_(keys) {}
  Status nameSpread(std::uint32_t hot, unsigned masters, const MasterOf& masterOf);

  SplitPlan plan_;
  KeyChooser keys_;
  std::vector<std::string> names_;  ///< ways of hot 0, ways of hot 1, …
};

/// One write to all the copies of a key, under way. The write as a whole is acknowledged when every
/// copy's is; when only some are, readers may see either value from then on: a partial write.
class FanOut {
 public:
  enum class Reply : std::uint8_t { acknowledged, failed };
  enum class Result : std::uint8_t { acknowledged, failed, partial };

  explicit FanOut(unsigned ways = 0) noexcept : outstanding_(ways) {}

  /// One copy's reply; the result, when it was the last.
  std::optional<Result> settle(Reply reply) noexcept {
    ++(reply == Reply::acknowledged ? acknowledged_ : failed_);
    if (--outstanding_ != 0) return std::nullopt;
    if (failed_ == 0) return Result::acknowledged;
    return acknowledged_ == 0 ? Result::failed : Result::partial;
  }
  unsigned outstanding() const noexcept { return outstanding_; }

 private:
  unsigned outstanding_;
  unsigned acknowledged_ = 0, failed_ = 0;
};

}  // namespace redline
