#include "engine/rdb_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/key_slot.h"
#include "engine/load_encoder.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// Large enough that a system call costs nothing, small enough to stay in the cache.
constexpr std::size_t kPieceBytes = 256 * 1024;

/// So many of `whole` that hardly ever more are drawn: a table that is announced too small would be
/// rehashed in the middle of the load.
std::uint64_t upperBound(std::uint64_t whole, double share) {
  if (share <= 0 || share >= 1) return share <= 0 ? 0 : whole;
  const double expected = static_cast<double>(whole) * share;
  return std::min(whole, static_cast<std::uint64_t>(expected + 4 * std::sqrt(expected)));
}

}  // namespace

RdbSource::RdbSource(const LoadPlan& plan, unsigned version, std::optional<SlotSet> slots)
    : plan_(plan),
      values_(plan.seed, plan.valueSize),
      ttls_(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax),
      writer_(version),
      slots_(std::move(slots)),
      nextId_(plan.from) {
  if (slots_) keysBySlot_.resize(kSlots);
}

std::string_view RdbSource::next() {
  writer_.drain();
  ends_.clear();
  if (ended_) return {};
  if (!begun_) begin();
  while (nextId_ < plan_.keys && !ending_ && writer_.pending().size() < kPieceBytes) add(nextId_++);
  if (nextId_ >= plan_.keys || ending_) {
    writer_.end();
    ended_ = true;
  }
  return writer_.pending();
}

void RdbSource::begin() {
  const std::uint64_t keys =
      upperBound(plan_.keys - plan_.from,
                 slots_ ? static_cast<double>(slots_->count()) / static_cast<double>(kSlots) : 1);
  writer_.begin(keys, upperBound(keys, plan_.ttlFraction));
  begun_ = true;
}

bool RdbSource::belongs(std::uint64_t id) {
  if (!slots_) return true;
  const std::uint16_t slot = slotOfKey(id);
  if (!slots_->test(slot)) return false;
  ++keysBySlot_[slot];
  return true;
}

void RdbSource::add(std::uint64_t id) {
  if (!belongs(id)) return;
  std::array<char, kMaxKeyLength> key;
  const std::int64_t ttl = ttls_.ttlMillisOf(id);
  const std::int64_t expireAt = ttl == 0 ? RdbWriter::kNeverExpires : expiryOf(plan_, ttl);
  values_.write(
      writer_.beginString({key.data(), writeKey(key.data(), id)}, plan_.valueSize, expireAt), id,
      0);
  ++keys_;
  ends_.push_back({writer_.pending().size(), id});
}

RdbSource::Taken RdbSource::takenWith(std::size_t bytes) const {
  const auto cut = std::ranges::upper_bound(ends_, bytes, {}, &KeyEnd::offset);
  if (cut == ends_.end()) return {nextId_, keys_};
  return {cut->id, keys_ - static_cast<std::uint64_t>(ends_.end() - cut)};
}

}  // namespace redline
