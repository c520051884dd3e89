// Connections of a worker: how they come up, what arrives on them, what their loss means; and which
// lanes there are.
#include <algorithm>
#include <cerrno>
#include <charconv>

#include "engine/load_target.h"
#include "engine/worker.h"

namespace redline {
namespace {

constexpr std::uint8_t kMaxLosses = 3;
constexpr Nanos kFirstBackoff = 2 * kMillisecond;
constexpr Nanos kLongestBackoff = kSecond;
/// A node that owes replies and says nothing for so long is taken for paused: longer than what a
/// loaded server keeps everybody waiting for, shorter than what reads would have to wait.
constexpr Nanos kSilence = 100 * kMillisecond;
constexpr Nanos kLookEvery = 10 * kMillisecond;

unsigned shareOf(unsigned total, unsigned index, unsigned parts) {
  return total / parts + (index < total % parts ? 1 : 0);
}

/// PTTL's answer; as for a key that is not there when it is none.
std::int64_t ttlIn(const ReplyView& reply) {
  std::int64_t millis = 0;
  const char* const end = reply.payload.data() + reply.payload.size();
  const auto read = std::from_chars(reply.payload.data(), end, millis);
  return reply.type == ReplyType::integer && read.ptr == end ? millis : -2;
}

}  // namespace

Status Worker::connect(Nanos deadline) {
  now_ = clock_.now();
  if (inCluster()) adoptLatest();
  for (const auto& lane : lanes_) {
    openAll(*lane);
    if (!ended_) return ended_;
  }
  while (const Lane* late = laneNotUp()) {
    for (const TransportEvent& event : transport_.wait(kMillisecond)) {
      now_ = clock_.now();
      const std::string where = byId_[event.conn]->lane->endpoint().text();
      handle(event);
      if (!ended_) return ended_;
      if (event.kind == TransportEvent::Kind::closed)
        return fail(ErrorCode::unreachable, "cannot connect to {}: {}", where,
                    event.error == 0 ? "the server closed the connection (maxclients?)"
                                     : errnoText(event.error));
    }
    if (clock_.now() > deadline)
      return fail(ErrorCode::timeout, "{} does not accept {} connections in time",
                  late->endpoint().text(), late->connections().size());
  }
  return {};
}

/// A lane with connections that are not up yet, or null.
const Lane* Worker::laneNotUp() const {
  for (const auto& lane : lanes_)
    if (lane->freeCount() < lane->connections().size() || !lane->hears()) return lane.get();
  return nullptr;
}

void Worker::open(Connection& c) {
  auto id = transport_.open(c.lane->endpoint());
  if (!id) {
    ended_ = fail(id.error());
    return;
  }
  --down_;
  if (&c != c.lane->subscriber.get()) c.lane->cameUp();
  c.id = *id;
  c.state = Connection::State::connecting;
  if (c.opened) ++interval_->counts.reconnects;
  c.opened = true;
  c.greeted = 0;
  c.scanner.reset();
  if (byId_.size() <= c.id) byId_.resize(c.id + 1);
  byId_[c.id] = &c;
}

// Opens those connections of the lane that are down and may come up again.
void Worker::openAll(Lane& lane) {
  const auto openDue = [this](Connection& c) {
    if (ended_ && c.state == Connection::State::down && c.reopenAt <= now_) open(c);
  };
  for (Connection& c : lane.connections()) openDue(c);
  if (lane.subscriber) openDue(*lane.subscriber);
}

void Worker::handle(const TransportEvent& event) {
  Connection& c = *byId_[event.conn];
  if (c.state == Connection::State::down) return;  // it was given up earlier in this very pass
  switch (event.kind) {
    case TransportEvent::Kind::received:
      onReceived(c);
      break;
    case TransportEvent::Kind::connected:
      onConnected(c);
      break;
    case TransportEvent::Kind::closed:
      onLost(c, event.error);
      break;
  }
}

void Worker::onConnected(Connection& c) {
  const GreetingScript& script = scriptOf(c);
  if (script.replies() == 0) {
    onReady(c);
    return;
  }
  transport_.outbound(c.id).append(script.bytes());
  transport_.flush(c.id);
  c.state = Connection::State::greeting;
}

const GreetingScript& Worker::scriptOf(const Connection& c) const {
  return &c == c.lane->subscriber.get() ? subscription_ : greeting_;
}

void Worker::onReady(Connection& c) {
  if (&c != c.lane->subscriber.get()) {
    c.lane->release(c, now_);
    return;
  }
  c.state = Connection::State::listening;
  c.backoff = 0;
  mitigator_->untracked();  // reads that are under way may have been overtaken unheard
}

void Worker::onReceived(Connection& c) {
  c.lane->heardAt = now_;
  InBuffer& in = transport_.inbound(c.id);
  const std::string_view bytes = in.readable();
  std::size_t used = 0;
  ReplyView reply;
  while (used < bytes.size()) {
    const auto status = c.scanner.next(bytes.substr(used), reply);
    if (status == ReplyScanner::Status::needMore) break;
    if (status == ReplyScanner::Status::malformed) {
      onLost(c, EPROTO);
      return;
    }
    used += reply.size;
    if (!onReply(c, reply)) return;
  }
  in.consume(used);
  interval_->counts.bytesReceived += used;
}

// One whole reply. False: the connection is of no more use.
bool Worker::onReply(Connection& c, const ReplyView& reply) {
  if (reply.type == ReplyType::push) {
    if (mitigator_) mitigator_->pushed(reply, now_, *interval_);
    return true;
  }
  if (c.state == Connection::State::busy) {
    if (c.answered == c.batch.size()) {
      settleWait(c, reply);
    } else if (plan_.transactions) {
      if (!settleTransaction(c, reply)) return true;
    } else {
      if (isPreface(c, reply)) return true;
      settle(c, c.batch[c.answered++], reply);
    }
    if (c.isDone()) c.lane->release(c, now_);
    return true;
  }
  if (c.state == Connection::State::greeting) return onGreeting(c, reply);
  onLost(c, EPROTO);  // an answer that nobody asked for
  return false;
}

bool Worker::onGreeting(Connection& c, const ReplyView& reply) {
  const GreetingScript& script = scriptOf(c);
  if (auto good = script.judge(c.greeted++, reply, c.lane->endpoint().text()); !good) {
    ended_ = std::move(good);
    return false;
  }
  if (c.greeted == script.replies()) onReady(c);
  return true;
}

// Whether the reply is to what goes before the next operation: ASKING, or PTTL.
bool Worker::isPreface(Connection& c, const ReplyView& reply) {
  const PendingOp& op = c.batch[c.answered];
  if (!op.asking && !asksForTtl(op)) return false;
  c.prefaceAnswered = !c.prefaceAnswered;
  if (c.prefaceAnswered && !op.asking) c.ttlMillis = ttlIn(reply);
  return c.prefaceAnswered;
}

void Worker::onLost(Connection& c, int error) {
  // One that has not been up, or not since its last loss, had nothing to tell.
  const bool wasUp =
      c.state != Connection::State::connecting && c.state != Connection::State::greeting;
  transport_.close(c.id);
  std::erase(dirty_, &c);
  if (&c == c.lane->subscriber.get()) {
    c.state = Connection::State::down;
  } else {
    giveBack(c, error);
    c.lane->lose(c);
  }
  if (wasUp && mitigator_ && mitigator_->caches()) mitigator_->untracked();
  c.backoff = std::clamp(c.backoff * 2, kFirstBackoff, kLongestBackoff);
  c.reopenAt = now_ + c.backoff;
  ++down_;
  if (inCluster()) {
    shared_.cluster->requestRefresh();
    if (c.lane->isGone()) reroute(*c.lane);
  }
  if (plan_.onDisconnect == OnDisconnect::stop && ended_) {
    ended_ =
        fail(ErrorCode::unreachable, "the connection to {} was lost ({}) and -on-disconnect=stop",
             c.lane->endpoint().text(), error == 0 ? "closed by the server" : errnoText(error));
    shared_.stop(now_);
  }
}

// Reads are asked again, with their clocks running; the fate of a write that was sent is not known,
// and it may not be sent twice.
void Worker::giveBack(const Connection& c, int error) {
  for (std::size_t i = c.openFrom(); i < c.batch.size(); ++i) {
    if (!c.isOpen(i)) continue;
    PendingOp op = c.batch[i];
    --inFlight_;
    if (op.givenUp) continue;
    if (error == EPROTO) {
      failOp(op, Failure::protocol);
    } else if (op.kind != OpKind::get && c.sentAt != 0) {
      failOp(op, Failure::unknownFate);
    } else if (plan_.onDisconnect == OnDisconnect::stop || op.losses >= kMaxLosses) {
      failOp(op, Failure::disconnected);
    } else {
      if (c.sentAt != 0) ++op.losses;
      op.asking = false;
      again(op, laneOf(op));
    }
  }
}

void Worker::reopenDue() {
  for (const auto& lane : lanes_) {
    if ((lane->down() == 0 && lane->hears()) || !isWanted(*lane)) continue;
    openAll(*lane);
    if (!ended_) return;
  }
}

// A node that has stopped without closing its connections: another one may own its slots by now,
// and reads that replicas may answer go elsewhere until it speaks again.
void Worker::lookForSilence() {
  nextLook_ = now_ + kLookEvery;
  for (const auto& lane : lanes_) {
    const bool news = lane->markSilence(now_ - kSilence);
    if (lane->silent) shared_.cluster->requestRefresh();
    if (news && lane->silent && lane->queued() != 0) reroute(*lane);
  }
}

// A node of a cluster that serves no slot any more is left alone, once it has gone.
bool Worker::isWanted(const Lane& lane) const {
  return !inCluster() || routes_.slotsOf(lane.number()) != 0 || lane.queued() != 0 ||
         isReplica(lane);
}

Lane& Worker::addLane(const Endpoint& endpoint) {
  const unsigned connections = shareOf(plan_.conns, index_, plan_.threads);
  lanes_.push_back(std::make_unique<Lane>(static_cast<std::uint16_t>(lanes_.size()), endpoint,
                                          connections, plan_.batchSize()));
  Lane& lane = *lanes_.back();
  down_ += connections;
  if (mitigator_ && mitigator_->caches() && plan_.mitigation.tracking == Tracking::prefix) {
    lane.subscribe();
    ++down_;
  }
  dirty_.reserve(dirty_.capacity() + connections);
  if (inCluster()) lane.service = std::make_unique<Histogram>();
  nameNodes();
  return lane;
}

// The lane to a node of the cluster, a new one where it has none yet. Null, and the run ends: the
// node is not on this machine.
Lane* Worker::laneTo(std::string_view host, std::uint16_t port) {
  for (const auto& lane : lanes_)
    if (lane->endpoint().port == port && lane->endpoint().host == host) return lane.get();
  const Endpoint endpoint{std::string(host), port, {}};
  ended_ = mayReceiveLoad(endpoint);
  if (ended_) return &addLane(endpoint);
  shared_.stop(now_);
  return nullptr;
}

// Takes over the map that was published last, unless that has been done.
void Worker::adoptLatest() {
  const SlotMap& latest = shared_.cluster->latest();
  if (&latest == map_) return;
  map_ = &latest;
  routes_.follow(latest, now_, [this](const NodeAddress& node) -> std::optional<std::uint16_t> {
    const Lane* const lane = laneTo(node.host, node.port);
    if (lane == nullptr) return std::nullopt;
    return lane->number();
  });
  if (!ended_) return;
  if (plan_.mitigation.is(MitigationKind::replicaRead)) adoptReplicas(latest);
  for (const auto& lane : lanes_)
    if (lane->queued() != 0) reroute(*lane);
}

// What waits in the lane goes to where its slot is by now.
void Worker::reroute(Lane& lane) {
  for (Lane::OpQueue Lane::* const queue : {&Lane::again, &Lane::waiting})
    for (std::size_t left = (lane.*queue).size(); left != 0; --left) {
      PendingOp op = (lane.*queue).pop();
      op.asking = false;
      Lane& where = mayAnswer(lane, op) ? lane : laneOf(op);
      (where.*queue).push(op);
    }
}

}  // namespace redline
