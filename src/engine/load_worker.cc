#include "engine/load_worker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/key_slot.h"
#include "resp/request.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// The longest sleep: how soon a stop request is seen.
constexpr Nanos kLongestSleep = 10 * kMillisecond;
/// One MSET: so long that a command's own cost no longer counts, so short that it stays far below a
/// millisecond (Redis serves nobody else meanwhile) and its arguments in the cache.
constexpr std::size_t kPairs = 128;
constexpr std::size_t kMsetBytes = 64 * 1024;
/// Of one node, before no more blocks are taken.
constexpr std::size_t kParcelsWaiting = 4;

}  // namespace

LoadShared::LoadShared(const LoadPlan& loadPlan, LiveSlotMap* liveMap)
    : plan(loadPlan),
      cluster(liveMap),
      values(loadPlan.seed, loadPlan.valueSize),
      ttls(loadPlan.seed, loadPlan.ttlFraction, loadPlan.ttlMin, loadPlan.ttlMax),
      blocks(loadPlan.from, loadPlan.keys, loadPlan.blockSize()) {}

LoadWorker::LoadWorker(LoadShared& shared, unsigned index, Transport& transport, const Clock& clock)
    : shared_(shared),
      plan_(shared.plan),
      index_(index),
      transport_(transport),
      clock_(clock),
      // The keys of one MSET must share a slot: in a cluster hardly two of a batch do.
      pairs_(plan_.mset && !inCluster()
                 ? std::clamp<std::size_t>(kMsetBytes / plan_.bytesPerKey(), 1, kPairs)
                 : 0),
      parcel_(plan_.blockSize()) {
  lasting_.reserve(parcel_);
  if (inCluster())
    slotsDone_.resize(kSlots);
  else
    addLane(plan_.target);
}

// ---------------------------------------------------------------------------------------------------
// The loop

Status LoadWorker::run() {
  now_ = lastStored_ = clock_.now();
  while (status_ && !finished()) {
    if (inCluster()) adoptLatest();
    if (down_ != 0) reopenDue();
    if (!delayed_.empty()) releaseDelayed();
    fill();
    const Nanos span = waitSpan();
    const auto events = transport_.wait(span);
    now_ = clock_.now();
    ++counters_.passes;
    if (events.empty() && span == 0) ++counters_.idlePasses;
    for (const TransportEvent& event : events) handle(event);
    if (inCluster() && now_ >= nextLook_) watchSilence();
  }
  return status_;
}

Nanos LoadWorker::waitSpan() const {
  if (plan_.wait == WaitMode::spin || moreToSend_) return 0;
  Nanos until = kLongestSleep;
  if (!delayed_.empty()) until = std::clamp<Nanos>(delayed_.front().at - now_, 0, until);
  if (down_ != 0)
    for (const auto& lane : lanes_)
      for (const LoadConnection& c : lane->connections)
        if (c.state == LoadConnection::State::down && c.reopenAt > now_)
          until = std::min(until, c.reopenAt - now_);
  return until;
}

bool LoadWorker::finished() {
  if (stopBy_ == 0 && shared_.stop.load(std::memory_order_relaxed)) stopBy_ = now_ + plan_.drain;
  if (stopBy_ != 0) return inFlight_ == 0 || now_ >= stopBy_;
  return inFlight_ == 0 && nothingWaits() && shared_.blocks.exhausted();
}

bool LoadWorker::nothingWaits() const {
  return delayed_.empty() &&
         std::ranges::all_of(lanes_, [](const auto& lane) { return lane->waiting.empty(); });
}

std::uint64_t LoadWorker::lowestUnfinished() const {
  std::uint64_t lowest = plan_.keys;
  const auto look = [&lowest](const LoadKey& key) { lowest = std::min(lowest, key.id); };
  for (const Delayed& delayed : delayed_) look(delayed.key);
  for (const auto& lane : lanes_) {
    for (std::size_t i = 0; i < lane->waiting.size(); ++i) look(lane->waiting.at(i));
    for (const LoadConnection& c : lane->connections)
      for (std::size_t i = 0; i < c.count; ++i)
        std::ranges::for_each(c.ring[(c.head + i) % c.ring.size()].keys, look);
  }
  return lowest;
}

ClusterTally LoadWorker::clusterTally() const {
  ClusterTally tally;
  tally.slots = slotsDone_;
  for (const auto& lane : lanes_) {
    NodeTally& node = tally.nodes.emplace_back();
    node.addr = lane->endpoint.text();
    node.completed = lane->stored;
    node.redirected = lane->redirected;
  }
  return tally;
}

void LoadWorker::giveUp(ErrorCode code, std::string message) {
  if (status_) status_ = fail(Error{code, std::move(message)});
}

// ---------------------------------------------------------------------------------------------------
// Requests

// At most one parcel for each connection: so all of them are served before one has its fill, and
// the first bytes leave soon.
void LoadWorker::fill() {
  moreToSend_ = false;
  if (stopBy_ != 0 || !status_) return;
  for (const auto& lane : lanes_)
    for (LoadConnection& c : lane->connections) {
      if (!c.hasRoom()) continue;
      while (lane->waiting.size() < parcel_ && draw()) {
      }
      if (lane->waiting.empty()) break;
      send(*lane, c);
      moreToSend_ |= c.hasRoom();
    }
}

// Takes a block and deals its keys out to their lanes. False: there is none, or a node is so far
// behind the others that its keys are not to grow in number.
bool LoadWorker::draw() {
  const std::size_t most = kParcelsWaiting * parcel_;
  for (const auto& lane : lanes_)
    if (lane->waiting.size() >= most) return false;
  const IdBlock block = shared_.blocks.take();
  for (std::uint64_t id = block.begin; id != block.end; ++id) {
    LoadKey key;
    key.id = id;
    if (inCluster()) key.slot = slotOfKey(id);
    laneOf(key.slot).waiting.push(key);
  }
  return !block.empty();
}

void LoadWorker::send(LoadLane& lane, LoadConnection& c) {
  LoadParcel& parcel = c.add();
  parcel.answered = parcel.stored = 0;
  parcel.askingAnswered = false;
  parcel.keys.clear();
  while (parcel.keys.size() < parcel_ && !lane.waiting.empty()) {
    parcel.keys.push_back(lane.waiting.pop());
    counters_.resentKeys += parcel.keys.back().sent ? 1U : 0U;
  }
  OutBuffer& out = transport_.outbound(c.id);
  const std::size_t before = out.view().size();
  parcel.repliesDue = encode(out, parcel.keys);
  ++inFlight_;
  ++counters_.batches;
  counters_.commands += parcel.repliesDue;
  counters_.keysSent += parcel.keys.size();
  counters_.bytesSent += out.view().size() - before;
  transport_.flush(c.id);
}

/// Appends the commands that write the keys, and returns how many there are.
std::uint64_t LoadWorker::encode(OutBuffer& out, const std::vector<LoadKey>& keys) {
  // An MSET's head costs less than the overhead that bytesPerKey() counts for each of its pairs.
  char* at = out.reserve(keys.size() * (plan_.bytesPerKey() + kRequestOverhead));  // with ASKING
  std::uint64_t commands = 0;
  lasting_.clear();
  for (const LoadKey& key : keys) {
    const std::int64_t ttl = shared_.ttls.ttlMillisOf(key.id);
    if (ttl == 0 && pairs_ != 0) {
      lasting_.push_back(key.id);
      continue;
    }
    if (key.asking) {
      at = encodeAsking(at);
      ++commands;
    }
    at = encodeSet(at, key.id, ttl);
    ++commands;
  }
  for (std::size_t i = 0; i < lasting_.size(); i += pairs_) {
    at = encodeMset(at, lasting_.data() + i, std::min(pairs_, lasting_.size() - i));
    ++commands;
  }
  out.commit(at);
  return commands;
}

char* LoadWorker::encodeSet(char* at, std::uint64_t id, std::int64_t ttlMillis) const {
  std::array<char, kMaxKeyLength> key;
  at = beginSet(at, {key.data(), writeKey(key.data(), id)}, plan_.valueSize, ttlMillis != 0);
  shared_.values.write(at, id, 0);
  at += plan_.valueSize;
  if (ttlMillis == 0) return endSet(at);
  const std::int64_t after = plan_.ttlAtMillis != 0 ? plan_.ttlAtMillis : ttlMillis;
  return endSet(at, static_cast<std::uint64_t>(plan_.ttlEpochMillis + after));
}

char* LoadWorker::encodeMset(char* at, const std::uint64_t* ids, std::size_t count) const {
  std::array<char, kMaxKeyLength> key;
  at = beginMset(at, count);
  for (std::size_t i = 0; i < count; ++i) {
    at = beginMsetPair(at, {key.data(), writeKey(key.data(), ids[i])}, plan_.valueSize);
    shared_.values.write(at, ids[i], 0);
    at = endSet(at + plan_.valueSize);
  }
  return at;
}

}  // namespace redline
