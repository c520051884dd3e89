#include "engine/load_worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/units.h"
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
/// Between one loss of a connection and the next try; after the last one the load ends. 3 s in all.
constexpr std::array<Nanos, 6> kBackoff = {50 * kMillisecond,  100 * kMillisecond,
                                           200 * kMillisecond, 400 * kMillisecond,
                                           800 * kMillisecond, 1500 * kMillisecond};

unsigned shareOf(unsigned total, unsigned index, unsigned parts) {
  return std::max(1U, total / parts + (index < total % parts ? 1 : 0));
}

}  // namespace

std::string_view loadAdvice(std::string_view errorText) noexcept {
  constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
      {"OOM", "give the server a larger maxmemory or load fewer or smaller keys"},
      {"MISCONF", "repair the server's disk, or CONFIG SET stop-writes-on-bgsave-error no"},
      {"LOADING", "wait until the server has read its data"},
      {"NOAUTH", "set REDLINE_PASSWORD"},
      {"WRONGPASS", "set REDLINE_PASSWORD and -user"},
      {"NOPERM", "let the user run SET and MSET on obj:*"},
      {"READONLY", "name the master with -addr: this is a replica"},
      {"MASTERDOWN", "name the master with -addr: this is a replica"},
      {"NOREPLICAS", "bring the server's replicas back"},
      {"BUSY", "end the server's script with SCRIPT KILL"},
      {"MOVED", "name a single server with -addr: this is a node of a cluster"},
      {"CROSSSLOT", "name a single server with -addr: this is a node of a cluster"},
      {"CLUSTERDOWN", "name a single server with -addr: this is a node of a cluster"},
      {"ERR max number of clients", "use fewer -conns, or give the server a larger maxclients"},
  };
  for (const auto& [code, advice] : kAdvice)
    if (errorText.starts_with(code)) return advice;
  return "see the server's log";
}

LoadShared::LoadShared(const LoadPlan& loadPlan)
    : plan(loadPlan),
      values(loadPlan.seed, loadPlan.valueSize),
      ttls(loadPlan.seed, loadPlan.ttlFraction, loadPlan.ttlMin, loadPlan.ttlMax),
      blocks(loadPlan.from, loadPlan.keys, loadPlan.blockSize()) {}

LoadWorker::LoadWorker(LoadShared& shared, unsigned index, Transport& transport, const Clock& clock)
    : shared_(shared),
      plan_(shared.plan),
      transport_(transport),
      clock_(clock),
      connections_(shareOf(plan_.conns, index, plan_.threads)),
      pairs_(std::clamp<std::size_t>(kMsetBytes / plan_.bytesPerKey(), 1, kPairs)),
      down_(connections_.size()) {
  for (Connection& c : connections_) c.ring.resize(std::max(1U, plan_.inFlight));
  again_.reserve(connections_.size() * plan_.inFlight);
  lasting_.reserve(plan_.blockSize());
}

// ---------------------------------------------------------------------------------------------------
// The loop

Status LoadWorker::run() {
  now_ = clock_.now();
  for (Connection& c : connections_) open(c);
  while (status_ && !finished()) {
    const Nanos span = waitSpan();
    const auto events = transport_.wait(span);
    now_ = clock_.now();
    ++counters_.passes;
    if (events.empty() && span == 0) ++counters_.idlePasses;
    for (const TransportEvent& event : events) handle(event);
    if (down_ != 0) reopenDue();
    fill();
  }
  return status_;
}

Nanos LoadWorker::waitSpan() const {
  if (plan_.wait == WaitMode::spin || moreToSend_) return 0;
  Nanos until = kLongestSleep;
  if (down_ != 0)
    for (const Connection& c : connections_)
      if (c.state == Connection::State::down)
        until = std::clamp<Nanos>(c.reopenAt - now_, 0, until);
  return until;
}

bool LoadWorker::finished() {
  if (stopBy_ == 0 && shared_.stop.load(std::memory_order_relaxed)) stopBy_ = now_ + plan_.drain;
  if (stopBy_ != 0) return inFlight_ == 0 || now_ >= stopBy_;
  return inFlight_ == 0 && again_.empty() && shared_.blocks.exhausted();
}

std::uint64_t LoadWorker::lowestUnfinished() const {
  std::uint64_t lowest = plan_.keys;
  for (const IdBlock& block : again_) lowest = std::min(lowest, block.begin);
  for (const Connection& c : connections_)
    for (std::size_t i = 0; i < c.count; ++i)
      lowest = std::min(lowest, c.ring[(c.head + i) % c.ring.size()].block.begin);
  return lowest;
}

void LoadWorker::giveUp(ErrorCode code, std::string message) {
  if (status_) status_ = fail(Error{code, std::move(message)});
}

// ---------------------------------------------------------------------------------------------------
// Connections

void LoadWorker::open(Connection& c) {
  auto id = transport_.open(plan_.target);
  if (!id) {
    giveUp(id.error().code, id.error().message);
    return;
  }
  --down_;
  c.id = *id;
  c.state = Connection::State::connecting;
  c.scanner.reset();
  if (byId_.size() <= c.id) byId_.resize(c.id + 1);
  byId_[c.id] = static_cast<std::size_t>(&c - connections_.data());
}

void LoadWorker::reopenDue() {
  for (Connection& c : connections_) {
    if (c.state != Connection::State::down || c.reopenAt > now_ || !status_) continue;
    ++counters_.reconnects;
    open(c);
  }
}

void LoadWorker::handle(const TransportEvent& event) {
  Connection& c = connections_[byId_[event.conn]];
  if (c.state == Connection::State::down || !status_) return;
  switch (event.kind) {
    case TransportEvent::Kind::connected:
      onConnected(c);
      break;
    case TransportEvent::Kind::received:
      onReceived(c);
      break;
    case TransportEvent::Kind::closed:
      onLost(c, event.error);
      break;
  }
}

void LoadWorker::onConnected(Connection& c) {
  if (plan_.login.password.empty()) {
    c.state = Connection::State::open;
    return;
  }
  std::string_view user = "default";
  if (!plan_.login.user.empty()) user = plan_.login.user;
  OutBuffer& out = transport_.outbound(c.id);
  char* at = out.reserve(kRequestOverhead + user.size() + plan_.login.password.size());
  at = detail::put(at, "*3\r\n$4\r\nAUTH\r\n");
  out.commit(detail::putBulk(detail::putBulk(at, user), plan_.login.password));
  transport_.flush(c.id);
  c.state = Connection::State::handshaking;
}

void LoadWorker::onReceived(Connection& c) {
  InBuffer& in = transport_.inbound(c.id);
  const std::string_view bytes = in.readable();
  std::size_t used = 0;
  ReplyView reply;
  while (used < bytes.size() && status_) {
    const auto found = c.scanner.next(bytes.substr(used), reply);
    if (found == ReplyScanner::Status::needMore) break;
    if (found == ReplyScanner::Status::malformed) {
      giveUp(ErrorCode::refused, fmt::format("{} answers with something that is not RESP: name a "
                                             "Redis server with -addr",
                                             plan_.target.text()));
      return;
    }
    used += reply.size;
    onReply(c, reply);
  }
  in.consume(used);
}

void LoadWorker::onReply(Connection& c, const ReplyView& reply) {
  const bool stored = reply.type == ReplyType::simple && reply.payload == "OK";
  if (c.state == Connection::State::handshaking) {
    // A server without a password is open to everybody; one REDLINE_PASSWORD may serve several.
    if (stored || reply.payload.find("without any password configured") != std::string_view::npos)
      c.state = Connection::State::open;
    else
      giveUp(ErrorCode::refused,
             fmt::format("{} refuses the login ({}): set REDLINE_PASSWORD (and -user)",
                         plan_.target.text(), reply.payload));
    return;
  }
  if (!stored || c.count == 0) {
    giveUp(reply.payload.starts_with("OOM") ? ErrorCode::noSpace : ErrorCode::refused,
           fmt::format("{} stopped storing keys ({}): {}", plan_.target.text(), reply.payload,
                       loadAdvice(reply.payload)));
    return;
  }
  Sent& oldest = c.ring[c.head];
  if (--oldest.repliesDue != 0) return;
  shared_.done.fetch_add(oldest.block.size(), std::memory_order_relaxed);
  c.head = c.head + 1 == c.ring.size() ? 0 : c.head + 1;
  --c.count;
  --inFlight_;
  c.losses = 0;
}

// The fate of what was on the way is not known, and does not matter: writing it again stores the
// same.
void LoadWorker::onLost(Connection& c, int error) {
  transport_.close(c.id);
  c.state = Connection::State::down;
  ++down_;
  for (; c.count != 0; --c.count, --inFlight_) {
    again_.push_back(c.ring[c.head].block);
    counters_.resentKeys += again_.back().size();
    c.head = c.head + 1 == c.ring.size() ? 0 : c.head + 1;
  }
  if (c.losses == kBackoff.size()) {
    giveUp(ErrorCode::unreachable,
           fmt::format("{} went away and did not come back ({})", plan_.target.text(),
                       error == 0 ? "it closed the connection" : errnoText(error)));
    return;
  }
  c.reopenAt = now_ + kBackoff[c.losses++];
}

// ---------------------------------------------------------------------------------------------------
// Requests

// At most one block for each connection: so all of them are served before one has its fill, and the
// first bytes leave soon.
void LoadWorker::fill() {
  moreToSend_ = false;
  if (stopBy_ != 0 || !status_) return;
  for (Connection& c : connections_) {
    if (!c.hasRoom()) continue;
    const IdBlock block = nextBlock();
    if (block.empty()) return;
    send(c, block);
    moreToSend_ |= c.hasRoom();
  }
}

IdBlock LoadWorker::nextBlock() {
  if (again_.empty()) return shared_.blocks.take();
  const IdBlock block = again_.back();
  again_.pop_back();
  return block;
}

void LoadWorker::send(Connection& c, IdBlock block) {
  OutBuffer& out = transport_.outbound(c.id);
  const std::size_t before = out.view().size();
  const std::uint64_t commands = encode(out, block);
  c.ring[(c.head + c.count++) % c.ring.size()] = {block, commands};
  ++inFlight_;
  ++counters_.batches;
  counters_.commands += commands;
  counters_.keysSent += block.size();
  counters_.bytesSent += out.view().size() - before;
  transport_.flush(c.id);
}

/// Appends the commands that write the block, and returns how many there are.
std::uint64_t LoadWorker::encode(OutBuffer& out, IdBlock block) {
  // An MSET's head costs less than the overhead that bytesPerKey() counts for each of its pairs.
  char* at = out.reserve(block.size() * plan_.bytesPerKey());
  std::uint64_t commands = 0;
  lasting_.clear();
  for (std::uint64_t id = block.begin; id != block.end; ++id) {
    const std::int64_t ttl = shared_.ttls.ttlMillisOf(id);
    if (ttl == 0 && plan_.mset) {
      lasting_.push_back(id);
      continue;
    }
    at = encodeSet(at, id, ttl);
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
