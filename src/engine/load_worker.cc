#include "engine/load_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "cluster/redirect.h"
#include "engine/key_slot.h"
#include "engine/share_of.h"

namespace redline {
namespace {

/// Parcels that wait for one node before no more blocks are taken.
constexpr std::size_t kParcelsWaiting = 4;
/// The load ends when a connection is lost more often in a row: after 3 s.
constexpr Backoff kLoaderBackoff{50 * kMillisecond, 1500 * kMillisecond};
constexpr unsigned kMaxLossesInARow = 6;
/// Every reply is +OK, a redirect or an error.
constexpr std::size_t kLongestLoaderReply = 1 << 20;
/// A node that owes replies and is silent for this long counts as paused.
constexpr Nanos kLoaderSilence = kSecond;

bool isStored(const ReplyView& reply) {
  return reply.type == ReplyType::simple && reply.payload == "OK";
}

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
      transport_(transport),
      clock_(clock),
      greeting_({}, plan_.credentials),
      lanes_(shared.cluster, plan_.target,
             {std::max(1U, shareOf(plan_.conns, index, plan_.threads)),
              std::max(1U, plan_.inFlight), &greeting_},
             {kLoaderSilence, false}),
      links_(transport, lanes_, kLoaderBackoff, kLongestLoaderReply),
      encoder_(plan_, shared.values, shared.ttls),
      parcelSize_(plan_.blockSize()) {}

// ---------------------------------------------------------------------------------------------------
// The loop

Status LoadWorker::run() {
  now_ = lastStored_ = clock_.now();
  while (lanes_.status() && !isFinished()) pass();
  counters_.reconnects = links_.takeCounts().reconnects;
  return lanes_.status();
}

void LoadWorker::pass() {
  if (lanes_.inCluster()) lanes_.adoptLatest(now_);
  links_.openDue(now_);
  lanes_.releaseDelayed(now_);
  fill();
  const Nanos span = waitSpan();
  const auto events = transport_.wait(span);
  now_ = clock_.now();
  ++counters_.passes;
  if (events.empty() && span == 0) ++counters_.idlePasses;
  for (const TransportEvent& event : events)
    if (lanes_.status()) links_.handle(event, now_, *this);
  if (lanes_.inCluster() && lanes_.checkSilence(now_)) leaveSilentNodes();
  if (now_ >= nextLook_) giveUpSilentNodes();
}

Nanos LoadWorker::waitSpan() const {
  if (plan_.wait == WaitMode::spin || moreToSend_) return 0;
  if (lanes_.delayed().empty()) return kLongestSleep;
  return std::clamp<Nanos>(lanes_.delayed().soonest() - now_, 0, kLongestSleep);
}

bool LoadWorker::isFinished() {
  if (stopBy_ == 0 && shared_.stop.load(std::memory_order_relaxed)) stopBy_ = now_ + plan_.drain;
  if (stopBy_ != 0) return inFlight_ == 0 || now_ >= stopBy_;
  return inFlight_ == 0 && lanes_.queued() == 0 && lanes_.delayed().empty() &&
         shared_.blocks.exhausted();
}

std::uint64_t LoadWorker::lowestUnfinished() const {
  std::uint64_t lowest = plan_.keys;
  const auto look = [&lowest](const LoadKey& key) { lowest = std::min(lowest, key.id); };
  lanes_.forEachWaiting(look);
  for (const auto& lane : lanes_.all())
    for (const LoadConnection& c : lane->connections()) c.forEachKey(look);
  return lowest;
}

// ---------------------------------------------------------------------------------------------------
// From blocks to the wire

// At most one parcel for each connection: so all of them are served before one has its fill, and
// the first bytes leave soon.
void LoadWorker::fill() {
  moreToSend_ = false;
  if (stopBy_ != 0 || !lanes_.status()) return;
  for (const auto& lane : lanes_.all())
    for (LoadConnection& c : lane->connections()) {
      if (!c.hasRoom()) continue;
      while (lane->queue.size() < parcelSize_ && takeBlock()) {
      }
      if (lane->queue.empty()) break;
      send(c);
      moreToSend_ |= c.hasRoom();
    }
}

// Takes a block and deals its keys out to their lanes. False: there is none, or a node is so far
// behind the others that no more keys may wait for it.
bool LoadWorker::takeBlock() {
  for (const auto& lane : lanes_.all())
    if (lane->queue.size() >= kParcelsWaiting * parcelSize_) return false;
  const IdBlock block = shared_.blocks.take();
  for (std::uint64_t id = block.begin; id != block.end; ++id) {
    LoadKey key;
    key.id = id;
    if (lanes_.inCluster()) key.slot = slotOfKey(id);
    lanes_.enqueue(lanes_.laneOf(key), key);
  }
  return !block.empty();
}

void LoadWorker::send(LoadConnection& c) {
  LoadParcel& parcel = c.add();
  parcel.answered = parcel.stored = 0;
  parcel.askingAnswered = false;
  parcel.sentAt = now_;
  parcel.keys.clear();
  while (parcel.keys.size() < parcelSize_ && !c.lane->queue.empty()) {
    LoadKey& key = parcel.keys.emplace_back(lanes_.dequeue(*c.lane));
    counters_.resentKeys += std::exchange(key.wasSent, true) ? 1U : 0U;
  }
  const std::size_t before = c.out->view().size();
  parcel.repliesDue = encoder_.encode(*c.out, parcel.keys);
  ++inFlight_;
  ++counters_.batches;
  counters_.commands += parcel.repliesDue;
  counters_.keysSent += parcel.keys.size();
  counters_.bytesSent += c.out->view().size() - before;
  transport_.flush(c.id);
}

// ---------------------------------------------------------------------------------------------------
// Replies

bool LoadWorker::onReply(LoadConnection& c, const ReplyView& reply) {
  const bool expected = c.count != 0 && (lanes_.inCluster() || isStored(reply));
  if (!expected)
    refuse(*c.lane, reply);
  else if (lanes_.inCluster())
    settleKey(c, reply);
  if (!lanes_.status()) return false;
  const LoadParcel& parcel = c.oldest();
  if (--c.oldest().repliesDue == 0)
    finishParcel(c, lanes_.inCluster() ? parcel.stored : parcel.keys.size());
  return true;
}

void LoadWorker::finishParcel(LoadConnection& c, std::uint64_t stored) {
  shared_.done.fetch_add(stored, std::memory_order_relaxed);
  c.dropOldest();
  --inFlight_;
  c.proved = true;
}

// A reply in a cluster, where each command has one key: it is the next key's, or its ASKING's.
void LoadWorker::settleKey(LoadConnection& c, const ReplyView& reply) {
  LoadParcel& parcel = c.oldest();
  const LoadKey& key = parcel.keys[parcel.answered];
  if (key.asking && !std::exchange(parcel.askingAnswered, true)) {
    if (!isStored(reply)) refuse(*c.lane, reply);
    return;
  }
  parcel.askingAnswered = false;
  ++parcel.answered;
  if (!isStored(reply)) {
    redirectOrRefuse(*c.lane, key, reply);
    return;
  }
  ++parcel.stored;
  lanes_.countCompleted(*c.lane, key.slot);
  lastStored_ = now_;
}

void LoadWorker::redirectOrRefuse(LoadLane& lane, const LoadKey& key, const ReplyView& reply) {
  const auto to = lanes_.redirectionOf(lane, key, reply, now_, lastStored_ + kRetrySpan, counters_);
  if (!to.isFinal())
    lanes_.redirect(key, to);
  else if (to.next == Decision::Next::tooLate)
    lanes_.fail({ErrorCode::unreachable,
                 fmt::format("the cluster stored nothing for {} ({}): restore its nodes, see "
                             "redis-cli --cluster check {}",
                             formatDuration(kRetrySpan), printable(reply.payload),
                             lane.endpoint().text())});
  else
    refuse(lane, reply);
}

void LoadWorker::refuse(const LoadLane& lane, const ReplyView& reply) {
  lanes_.fail({reply.payload.starts_with("OOM") ? ErrorCode::noSpace : ErrorCode::refused,
               fmt::format("{} stopped storing keys ({}): {}", lane.endpoint().text(),
                           printable(reply.payload), loadAdvice(reply.payload))});
}

std::string_view loadAdvice(std::string_view errorText) noexcept {
  constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
      {"OOM", "give the server a larger maxmemory or load fewer or smaller keys"},
      {"MISCONF", "repair the server's disk, or CONFIG SET stop-writes-on-bgsave-error no"},
      {"LOADING", "wait until the server has read its data"},
      {"NOAUTH", "set REDLINE_PASSWORD"},
      {"WRONGPASS", "set REDLINE_PASSWORD and -user"},
      {"NOPERM", "allow the user SET and MSET on obj:*"},
      {"READONLY", "name the master with -addr: this is a replica"},
      {"MASTERDOWN", "name the master with -addr: this is a replica"},
      {"NOREPLICAS", "restore the server's replicas"},
      {"BUSY", "end the server's script with SCRIPT KILL"},
      {"MOVED", "add -topology=cluster"},
      {"CROSSSLOT", "add -topology=cluster"},
      {"CLUSTERDOWN", "add -topology=cluster"},
  };
  for (const auto& [code, advice] : kAdvice)
    if (errorText.starts_with(code)) return advice;
  return "see the server's log";
}

// ---------------------------------------------------------------------------------------------------
// Lost connections and silent nodes

// The fate of what was under way is unknown, and does not matter: writing it again stores the same.
void LoadWorker::onLost(LoadConnection& c, bool /*wasReady*/, int error) {
  for (; c.count != 0; c.dropOldest(), --inFlight_) {
    const LoadParcel& parcel = c.oldest();
    shared_.done.fetch_add(parcel.stored, std::memory_order_relaxed);
    for (std::size_t i = parcel.answered; i < parcel.keys.size(); ++i) {
      LoadKey key = parcel.keys[i];
      key.asking = false;
      lanes_.requeue(lanes_.laneOf(key), key);
    }
  }
  const std::string where = c.lane->endpoint().text();
  if (isBrokenProtocol(error)) {
    lanes_.fail({ErrorCode::refused, fmt::format("{} does not answer as Redis does: name a Redis "
                                                 "server with -addr",
                                                 where)});
    return;
  }
  // A cluster may yet give the node's slots to another one.
  const bool patient = lanes_.inCluster() && now_ - lastStored_ <= kRetrySpan;
  if (c.losses > kMaxLossesInARow && !patient)
    lanes_.fail({ErrorCode::unreachable, fmt::format("{} was lost and cannot be reached again: {}",
                                                     where, lossText(error))});
}

// A silent node that serves no slot any more is not waited for: it may be paused, and its replica
// have taken over.
void LoadWorker::leaveSilentNodes() {
  for (const auto& lane : lanes_.all()) {
    if (!lane->silent || lanes_.slotsOf(*lane) != 0) continue;
    for (LoadConnection& c : lane->connections())
      if (c.count != 0) links_.lose(c, ETIMEDOUT, now_, *this);
  }
}

void LoadWorker::giveUpSilentNodes() {
  nextLook_ = now_ + kSecond;
  const Nanos since = now_ - kLoaderPatience;
  for (const auto& lane : lanes_.all())
    if (lane->lastReceivedAt < since && lane->owesReplySince(since))
      lanes_.fail(
          {ErrorCode::timeout,
           fmt::format("{} owes replies and has said nothing for {}: find out what holds it "
                       "up (a paused process, a script, a proxy)",
                       lane->endpoint().text(), formatDuration(kLoaderPatience))});
}

}  // namespace redline
