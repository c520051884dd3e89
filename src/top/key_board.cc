#include "top/key_board.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <utility>

#include "cluster/hash_slot.h"

namespace redline {
namespace {

constexpr std::size_t kMostFamilies = 256;        ///< names without a scheme would fill the memory
constexpr std::uint64_t kWorthACount = 64 << 10;  ///< bytes: type and elements are asked for
constexpr std::uint64_t kFewKeys = 10;            ///< fewer show nothing of their family's number
constexpr std::size_t kKeptOfFamily = 8;          ///< sizes of its largest keys
constexpr std::string_view kAny = "*";

void keepLargest(std::vector<std::uint64_t>& sizes, std::uint64_t bytes) {
  sizes.insert(std::ranges::upper_bound(sizes, bytes, std::greater{}), bytes);
  if (sizes.size() > kKeptOfFamily) sizes.pop_back();
}

}  // namespace

double KeySample::scale() const {
  return whole || looked == 0
             ? 1
             : std::max(1.0, static_cast<double>(keys) / static_cast<double>(looked));
}

std::vector<KeyFamily> KeySample::extrapolated(double mostBytes) const {
  std::uint64_t onceKeys = 0;
  double seen = 0, ordinary = 0;  // bytes
  for (const KeyFamily& family : families) {
    onceKeys += family.onceKeys;
    seen += static_cast<double>(family.bytes);
    ordinary += static_cast<double>(family.bytes - family.onceBytes);
  }
  double byKeys = 1, byBytes = 1;
  if (!whole && looked > onceKeys && keys > looked) {
    byKeys = static_cast<double>(keys - onceKeys) / static_cast<double>(looked - onceKeys);
    byBytes = ordinary > 0 ? std::clamp(1 + (mostBytes - seen) / ordinary, 1.0, byKeys) : byKeys;
  }
  const auto scaled = [](std::uint64_t once, std::uint64_t all, double factor) {
    return once +
           static_cast<std::uint64_t>(std::llround(factor * static_cast<double>(all - once)));
  };
  std::vector<KeyFamily> all = families;
  for (KeyFamily& family : all) {
    family.keys = scaled(family.onceKeys, family.keys, byKeys);
    family.bytes = scaled(family.onceBytes, family.bytes, byBytes);
  }
  return all;
}

void KeyBoard::describe(std::uint64_t keys, bool counters, double logFactor) {
  if (counters != counters_) {
    present_ = last_ = {};
    whole_ = false;
    busiest_.clear();
  }
  keys_ = keys;
  counters_ = counters;
  logFactor_ = logFactor;
}

void KeyBoard::take(std::span<const ExaminedKey> keys) {
  for (const ExaminedKey& key : keys) {
    ++present_.looked;
    std::string prefix = familyOf(key.name);
    if (present_.families.size() >= kMostFamilies && !present_.families.contains(prefix))
      prefix = kAny;
    Family& family = present_.families[prefix];
    ++family.keys;
    family.bytes += key.bytes;
    keepLargest(family.largest, key.bytes);
    keepFirst(largest_, key, kKept, isLarger);
    if (!counters_) continue;
    const double uses = usesOf(key.reads, logFactor_);
    present_.uses += uses;
    present_.usesBySlot[hashSlot(key.name)] += uses;
    keepFirst(busiest_, key, kKept, isBusier);
  }
}

void KeyBoard::endSweep() {
  last_ = std::exchange(present_, {});
  whole_ = true;
}

std::vector<std::string> KeyBoard::ranked() const {
  std::vector<std::string> names;
  for (const auto* ranking : {&largest_, &busiest_})
    std::ranges::transform(*ranking, std::back_inserter(names), &ExaminedKey::name);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

void KeyBoard::takeAgain(std::span<const std::string> asked, std::span<const ExaminedKey> keys) {
  for (auto* ranking : {&largest_, &busiest_}) {
    std::erase_if(*ranking, [&](ExaminedKey& known) {
      if (std::ranges::find(asked, known.name) == asked.end()) return false;
      const auto now = std::ranges::find(keys, known.name, &ExaminedKey::name);
      if (now == keys.end()) return true;
      known.bytes = now->bytes;
      known.reads = now->reads;
      return false;
    });
  }
  std::ranges::stable_sort(largest_, isLarger);
  std::ranges::stable_sort(busiest_, isBusier);
}

const ExaminedKey* KeyBoard::undescribed() const {
  const auto found = std::ranges::find_if(largest_, [](const ExaminedKey& key) {
    return key.type.empty() && key.bytes >= kWorthACount;
  });
  return found == largest_.end() ? nullptr : &*found;
}

void KeyBoard::describeKey(const ExaminedKey& key) {
  const auto found = std::ranges::find(largest_, key.name, &ExaminedKey::name);
  if (found == largest_.end()) return;
  found->type = key.type.empty() ? "gone" : key.type;
  found->elements = key.elements;
}

KeySample KeyBoard::sample() const {
  KeySample sample;
  sample.keys = keys_;
  sample.counters = counters_;
  const bool ofLast = whole_ && present_.looked <= last_.looked;
  const Sweep& sweep = ofLast ? last_ : present_;
  sample.looked = sweep.looked;
  sample.whole = ofLast;
  sample.uses = sweep.uses;
  sample.logFactor = logFactor_;
  sample.usesBySlot = sweep.usesBySlot;
  sample.largest = largest_;
  sample.busiest = busiest_;
  for (const auto& [prefix, family] : sweep.families) {
    sample.families.push_back({prefix, family.keys, family.bytes});
    countOnce(sample.families.back(), family.largest);
  }
  std::ranges::stable_sort(sample.families, std::greater{}, &KeyFamily::bytes);
  return sample;
}

void countOnce(KeyFamily& family, std::span<const std::uint64_t> largest) {
  family.onceKeys = family.onceBytes = 0;
  if (family.keys < kFewKeys) {
    family.onceKeys = family.keys;
    family.onceBytes = family.bytes;
    return;
  }
  std::uint64_t smaller = family.bytes, larger = 0;
  for (std::size_t i = 0; i < largest.size(); ++i) {
    larger += largest[i];
    smaller -= largest[i];
    if (largest[i] <= smaller) continue;
    family.onceKeys = i + 1;
    family.onceBytes = larger;
  }
}

std::string familyOf(std::string_view name) {
  const std::size_t end = name.find_first_of(":{");
  if (end == std::string_view::npos) return std::string(kAny);
  return std::string(name.substr(0, name[end] == ':' ? end + 1 : end)) + "*";
}

}  // namespace redline
