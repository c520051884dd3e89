#include "mitigation/ledger.h"

#include <algorithm>
#include <limits>

namespace redline {
namespace {

constexpr std::uint64_t kBusy = std::numeric_limits<std::uint64_t>::max();
/// All rings together, bytes: few keys get long ones, so that an old version's age is known well.
constexpr std::size_t kRingBudget = std::size_t{32} << 20;
constexpr std::size_t kShortestRing = 32;
constexpr std::size_t kLongestRing = 2048;
/// A record is busy for some nanoseconds, unless its thread is interrupted just there.
constexpr int kScans = 16;

Nanos markOf(std::uint64_t version) noexcept {
  return -static_cast<Nanos>(version);
}

template <typename T>
void raise(std::atomic<T>& level, T to) noexcept {
  T current = level.load();
  while (current < to && !level.compare_exchange_weak(current, to)) {
  }
}

std::size_t ringFor(std::uint32_t keys, std::size_t recordBytes) noexcept {
  return std::clamp(kRingBudget / (recordBytes * keys), kShortestRing, kLongestRing);
}

}  // namespace

Ledger::Ledger(const KeyChooser& keys, std::uint32_t size)
    : chooser_(keys),
      size_(size),
      ring_(ringFor(size, sizeof(Record))),
      heads_(std::make_unique<Head[]>(size)),
      records_(std::make_unique<Record[]>(std::size_t{size} * ring_)) {}

std::size_t Ledger::memoryBytes() const noexcept {
  return size_ * (sizeof(Head) + ring_ * sizeof(Record));
}

void Ledger::begin(Key key, std::uint64_t version, Nanos sent) noexcept {
  Head& head = heads_[key];
  raise(head.highest, version);
  // Take the oldest record. One that is busy is being replaced by a thread that was overtaken by a
  // whole turn of the ring: try the next one.
  Record* record = nullptr;
  std::uint64_t old = 0;
  do {
    record = &recordAt(key, head.next.fetch_add(1));
    old = record->version.load();
  } while (old == kBusy || !record->version.compare_exchange_strong(old, kBusy));

  if (old != 0) {
    // What is forgotten is first added to what is remembered, so that no reader misses it.
    // It counts as unknown before its mark goes: its acknowledgement, finding no mark, takes one
    // off.
    head.droppedUnknown.fetch_add(1);
    const Nanos fate = record->fate.exchange(0);
    if (fate > 0) {
      raise(head.droppedAcknowledged, fate);
      head.droppedUnknown.fetch_sub(1);
    } else {
      raise(head.droppedUnknownUpTo, old);
    }
  }
  record->sent.store(sent);
  record->fate.store(markOf(version));
  record->version.store(version);
}

void Ledger::acknowledge(Key key, std::uint64_t version, Nanos at) noexcept {
  Head& head = heads_[key];
  head.acknowledged.fetch_add(1);
  // Its own mark is found by looking back from the newest: it is rarely far.
  const std::uint64_t begun = head.next.load();
  for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(begun, ring_); ++back) {
    Record& record = recordAt(key, begun - back);
    if (record.fate.load() != markOf(version)) continue;
    const Nanos sent = record.sent.load();
    Nanos mark = markOf(version);
    if (!record.fate.compare_exchange_strong(mark, at)) break;
    raise(head.latestAcknowledgedSend, sent);
    return;
  }
  raise(head.droppedAcknowledged, at);
  head.droppedUnknown.fetch_sub(1);
}

Ledger::Bound Ledger::boundOf(Key key, std::uint64_t version) const noexcept {
  using Kind = Bound::Kind;
  const Head& head = heads_[key];
  if (version > head.highest.load()) return {Kind::impossible};
  for (int scan = 0; scan < kScans; ++scan) {
    bool busy = false;
    const std::uint64_t begun = head.next.load();
    const std::uint64_t kept = std::min<std::uint64_t>(begun, ring_);
    if (version == 0) return {Kind::acknowledged, 0, begun - kept};
    for (std::uint64_t back = 1; back <= kept && !busy; ++back) {
      const Record& record = recordAt(key, begun - back);
      const std::uint64_t there = record.version.load();
      busy = there == kBusy;
      if (there != version) continue;
      const Nanos fate = record.fate.load();
      if (record.version.load() == version)
        return fate > 0 ? Bound{Kind::acknowledged, fate, begun - back + 1} : Bound{Kind::underWay};
      busy = true;  // replaced while it was looked at
    }
    if (busy) continue;
    if (begun <= ring_ && head.next.load() == begun) return {Kind::impossible};  // none was dropped
    if (head.droppedUnknown.load() != 0 && version <= head.droppedUnknownUpTo.load())
      return {Kind::unknown};
    return {Kind::acknowledged, head.droppedAcknowledged.load(), begun - kept, true};
  }
  return {Kind::unknown};
}

ReadVerdict Ledger::judge(Key key, std::uint64_t version, Nanos sent) const noexcept {
  ReadVerdict verdict;
  const Bound bound = boundOf(key, version);
  if (bound.kind == Bound::Kind::impossible) verdict.kind = ReadVerdict::Kind::impossible;
  if (bound.kind == Bound::Kind::unknown) verdict.judged = false;
  if (bound.kind != Bound::Kind::acknowledged) return verdict;

  const Head& head = heads_[key];
  if (head.latestAcknowledgedSend.load() <= bound.at) return verdict;
  // The first acknowledgement among later writes. Those that were begun before this version are
  // not among them: they were sent before its acknowledgement.
  Nanos first = std::numeric_limits<Nanos>::max();
  const std::uint64_t end = std::min(head.next.load(), bound.later + ring_);
  for (std::uint64_t position = bound.later; position < end; ++position) {
    const Record& record = recordAt(key, position);
    const std::uint64_t before = record.version.load();
    const Nanos begun = record.sent.load();
    const Nanos fate = record.fate.load();
    if (fate <= 0 || begun <= bound.at || fate >= sent) continue;
    if (before == kBusy || record.version.load() != before) continue;
    first = std::min(first, fate);
  }
  if (first == std::numeric_limits<Nanos>::max()) return verdict;
  verdict.kind = ReadVerdict::Kind::stale;
  verdict.age = sent - first;
  verdict.ageIsLowerBound = bound.dropped || head.droppedAcknowledged.load() > bound.at;
  return verdict;
}

KeyAudit Ledger::audit(Key key, std::optional<std::uint64_t> version) const noexcept {
  KeyAudit audit;
  const Head& head = heads_[key];
  const std::uint64_t all = head.acknowledged.load();
  if (version.value_or(0) == 0) {
    audit.lostAcknowledged = all;
    return audit;
  }
  const Bound bound = boundOf(key, *version);
  audit.impossible = bound.kind == Bound::Kind::impossible;
  audit.judged = bound.kind != Bound::Kind::unknown;
  if (audit.impossible) audit.lostAcknowledged = all;
  if (bound.kind != Bound::Kind::acknowledged) return audit;
  for (std::uint64_t position = bound.later; position < head.next.load(); ++position) {
    const Record& record = recordAt(key, position);
    if (record.fate.load() > 0 && record.sent.load() > bound.at) ++audit.lostAcknowledged;
  }
  return audit;
}

Ledger::LastWrite Ledger::lastWrite(Key key) const noexcept {
  const std::uint64_t begun = heads_[key].next.load();
  if (begun == 0) return {};
  const Nanos fate = recordAt(key, begun - 1).fate.load();
  return {begun, fate > 0 ? std::optional(fate) : std::nullopt};
}

std::uint64_t Ledger::acknowledged() const noexcept {
  std::uint64_t sum = 0;
  for (Key key = 0; key < size_; ++key) sum += heads_[key].acknowledged.load();
  return sum;
}

}  // namespace redline
