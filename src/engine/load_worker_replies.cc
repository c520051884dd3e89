// Connections of a load's worker, the lanes that they belong to, and what becomes of replies.
#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "base/units.h"
#include "cluster/redirect.h"
#include "engine/load_target.h"
#include "engine/load_worker.h"
#include "resp/request.h"

namespace redline {
namespace {

/// Between one loss of a connection and the next try; after the last one the load ends. 3 s in all.
constexpr std::array<Nanos, 6> kBackoff = {50 * kMillisecond,  100 * kMillisecond,
                                           200 * kMillisecond, 400 * kMillisecond,
                                           800 * kMillisecond, 1500 * kMillisecond};

/// A cluster in which nothing was stored for so long may have changed unheard.
constexpr Nanos kSilence = kSecond;

unsigned shareOf(unsigned total, unsigned index, unsigned parts) {
  return std::max(1U, total / parts + (index < total % parts ? 1 : 0));
}

bool isStored(const ReplyView& reply) {
  return reply.type == ReplyType::simple && reply.payload == "OK";
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
      {"MOVED", "add -topology=cluster"},
      {"CROSSSLOT", "add -topology=cluster"},
      {"CLUSTERDOWN", "add -topology=cluster"},
      {"ERR max number of clients", "use fewer -conns, or give the server a larger maxclients"},
  };
  for (const auto& [code, advice] : kAdvice)
    if (errorText.starts_with(code)) return advice;
  return "see the server's log";
}

// ---------------------------------------------------------------------------------------------------
// Connections

void LoadWorker::open(LoadLane& lane, LoadConnection& c) {
  auto id = transport_.open(lane.endpoint);
  if (!id) {
    giveUp(id.error().code, id.error().message);
    return;
  }
  --down_;
  c.id = *id;
  c.state = LoadConnection::State::connecting;
  c.scanner.reset();
  if (byId_.size() <= c.id) byId_.resize(c.id + 1);
  byId_[c.id] = {&lane, &c};
}

// A node of a cluster that serves no slot any more is left alone, once it has gone.
void LoadWorker::reopenDue() {
  for (const auto& lane : lanes_) {
    if (inCluster() && routes_.slotsOf(lane->number) == 0 && lane->waiting.empty()) continue;
    for (LoadConnection& c : lane->connections) {
      if (c.state != LoadConnection::State::down || c.reopenAt > now_ || !status_) continue;
      counters_.reconnects += c.losses != 0 ? 1 : 0;
      open(*lane, c);
    }
  }
}

void LoadWorker::handle(const TransportEvent& event) {
  const auto [lane, c] = byId_[event.conn];
  if (c->state == LoadConnection::State::down || !status_) return;
  switch (event.kind) {
    case TransportEvent::Kind::connected:
      onConnected(*c);
      break;
    case TransportEvent::Kind::received:
      onReceived(*lane, *c);
      break;
    case TransportEvent::Kind::closed:
      onLost(*lane, *c, event.error);
      break;
  }
}

void LoadWorker::onConnected(LoadConnection& c) {
  if (plan_.login.password.empty()) {
    c.state = LoadConnection::State::open;
    return;
  }
  std::string_view user = "default";
  if (!plan_.login.user.empty()) user = plan_.login.user;
  OutBuffer& out = transport_.outbound(c.id);
  char* at = out.reserve(kRequestOverhead + user.size() + plan_.login.password.size());
  at = detail::put(at, "*3\r\n$4\r\nAUTH\r\n");
  out.commit(detail::putBulk(detail::putBulk(at, user), plan_.login.password));
  transport_.flush(c.id);
  c.state = LoadConnection::State::handshaking;
}

void LoadWorker::onReceived(LoadLane& lane, LoadConnection& c) {
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
                                             lane.endpoint.text()));
      return;
    }
    used += reply.size;
    onReply(lane, c, reply);
  }
  in.consume(used);
}

// The fate of what was on the way is not known, and does not matter: writing it again stores the
// same.
void LoadWorker::onLost(LoadLane& lane, LoadConnection& c, int error) {
  transport_.close(c.id);
  c.state = LoadConnection::State::down;
  ++down_;
  for (; c.count != 0; c.dropOldest(), --inFlight_) {
    const LoadParcel& parcel = c.oldest();
    shared_.done.fetch_add(parcel.stored, std::memory_order_relaxed);
    for (std::size_t i = parcel.answered; i < parcel.keys.size(); ++i)
      again(laneOf(parcel.keys[i].slot), parcel.keys[i], false);
  }
  // A cluster may yet give the node's slots to another one.
  if (inCluster()) shared_.cluster->requestRefresh();
  const bool lastTry = c.losses >= kBackoff.size();
  if (lastTry && (!inCluster() || now_ - lastStored_ > kRetrySpan)) {
    giveUp(ErrorCode::unreachable,
           fmt::format("{} went away and did not come back ({})", lane.endpoint.text(),
                       error == 0 ? "it closed the connection" : errnoText(error)));
    return;
  }
  c.reopenAt = now_ + kBackoff[std::min<std::size_t>(c.losses++, kBackoff.size() - 1)];
}

// ---------------------------------------------------------------------------------------------------
// Lanes

LoadLane& LoadWorker::addLane(const Endpoint& endpoint) {
  const unsigned connections = shareOf(plan_.conns, index_, plan_.threads);
  lanes_.push_back(std::make_unique<LoadLane>(static_cast<std::uint16_t>(lanes_.size()), endpoint,
                                              connections, std::max(1U, plan_.inFlight)));
  down_ += connections;
  return *lanes_.back();
}

// Null, and the load ends: the node is not on this machine.
LoadLane* LoadWorker::laneTo(std::string_view host, std::uint16_t port) {
  for (const auto& lane : lanes_)
    if (lane->endpoint.port == port && lane->endpoint.host == host) return lane.get();
  const Endpoint endpoint{std::string(host), port, {}};
  if (auto may = mayReceiveLoad(endpoint); !may) {
    giveUp(may.error().code, may.error().message);
    return nullptr;
  }
  return &addLane(endpoint);
}

// Takes over the map that was published last, unless that has been done.
void LoadWorker::adoptLatest() {
  const SlotMap& latest = shared_.cluster->latest();
  if (&latest == map_) return;
  map_ = &latest;
  routes_.follow(latest, now_, [this](const NodeAddress& node) -> std::optional<std::uint16_t> {
    const LoadLane* const lane = laneTo(node.host, node.port);
    if (lane == nullptr) return std::nullopt;
    return lane->number;
  });
  if (!status_) return;
  for (const auto& lane : lanes_) reroute(*lane);
}

// What waits in the lane goes to where its slot is by now.
void LoadWorker::reroute(LoadLane& lane) {
  for (std::size_t left = lane.waiting.size(); left != 0; --left) {
    LoadKey key = lane.waiting.pop();
    key.asking = false;
    laneOf(key.slot).waiting.push(key);
  }
}

// Asks for a new map when nobody answers; and no longer waits for a node that serves no slot: it
// may be frozen, and its replica have taken over.
void LoadWorker::watchSilence() {
  nextLook_ = now_ + kSilence;
  if (now_ - lastStored_ < kSilence) return;
  shared_.cluster->requestRefresh();
  for (const auto& lane : lanes_)
    for (LoadConnection& c : lane->connections)
      if (routes_.slotsOf(lane->number) == 0 && c.count != 0) onLost(*lane, c, ETIMEDOUT);
}

// ---------------------------------------------------------------------------------------------------
// Replies

void LoadWorker::onReply(LoadLane& lane, LoadConnection& c, const ReplyView& reply) {
  if (c.state == LoadConnection::State::handshaking) {
    onHandshake(lane, c, reply);
    return;
  }
  const bool expected = c.count != 0 && (inCluster() || isStored(reply));
  if (!expected) {
    refuse(lane, reply);
    return;
  }
  LoadParcel& parcel = c.oldest();
  if (inCluster()) settleKey(lane, parcel, reply);
  if (!status_ || --parcel.repliesDue != 0) return;
  shared_.done.fetch_add(inCluster() ? parcel.stored : parcel.keys.size(),
                         std::memory_order_relaxed);
  c.dropOldest();
  --inFlight_;
  c.losses = 0;
}

void LoadWorker::onHandshake(LoadLane& lane, LoadConnection& c, const ReplyView& reply) {
  // A server without a password is open to everybody; one REDLINE_PASSWORD may serve several.
  if (isStored(reply) ||
      reply.payload.find("without any password configured") != std::string_view::npos)
    c.state = LoadConnection::State::open;
  else
    giveUp(ErrorCode::refused,
           fmt::format("{} refuses the login ({}): set REDLINE_PASSWORD (and -user)",
                       lane.endpoint.text(), reply.payload));
}

void LoadWorker::refuse(const LoadLane& lane, const ReplyView& reply) {
  giveUp(reply.payload.starts_with("OOM") ? ErrorCode::noSpace : ErrorCode::refused,
         fmt::format("{} stopped storing keys ({}): {}", lane.endpoint.text(), reply.payload,
                     loadAdvice(reply.payload)));
}

// A reply in a cluster, where each command has one key: it is the next key's, or its ASKING's.
void LoadWorker::settleKey(LoadLane& lane, LoadParcel& parcel, const ReplyView& reply) {
  const LoadKey& key = parcel.keys[parcel.answered];
  if (key.asking && !std::exchange(parcel.askingAnswered, true)) {
    if (!isStored(reply)) refuse(lane, reply);
    return;
  }
  parcel.askingAnswered = false;
  ++parcel.answered;
  if (!isStored(reply)) {
    goOn(lane, key, reply);
    return;
  }
  ++parcel.stored;
  ++lane.stored;
  ++slotsDone_[key.slot];
  lastStored_ = now_;
}

// The error may say where else, or when, the key can be stored.
void LoadWorker::goOn(LoadLane& lane, LoadKey key, const ReplyView& reply) {
  using Kind = Decision::Kind;
  using Next = Decision::Next;
  const Decision decision =
      decide(reply, {now_, lastStored_ + kRetrySpan, key.redirects, key.retries});
  counters_.moved += decision.kind == Kind::moved ? 1 : 0;
  counters_.ask += decision.kind == Kind::ask ? 1 : 0;
  counters_.tryagain += decision.kind == Kind::tryAgain ? 1 : 0;
  counters_.clusterdown += decision.kind == Kind::clusterDown ? 1 : 0;
  if (decision.kind == Kind::moved || decision.kind == Kind::clusterDown)
    shared_.cluster->requestRefresh();
  switch (decision.next) {
    case Next::moved:
    case Next::ask: {
      ++lane.redirected;
      const std::string_view host =
          decision.to.host.empty() ? std::string_view(lane.endpoint.host) : decision.to.host;
      LoadLane* const to = laneTo(host, decision.to.port);
      if (to == nullptr) return;
      if (decision.next == Next::moved) routes_.learn(decision.to.slot, to->number, now_);
      ++key.redirects;
      again(*to, key, decision.next == Next::ask);
      return;
    }
    case Next::tryAgain:
      if (key.retries < std::numeric_limits<std::uint8_t>::max()) ++key.retries;
      delayed_.push_back({decision.retryAt, key});
      std::ranges::push_heap(delayed_, std::greater<>{});
      return;
    case Next::tooLate:
      giveUp(ErrorCode::unreachable,
             fmt::format("the cluster stored nothing for {} ({}): bring its nodes back, see "
                         "redis-cli --cluster check {}",
                         formatDuration(kRetrySpan), reply.payload, lane.endpoint.text()));
      return;
    case Next::tooOften:
    case Next::done:
    case Next::failed:
      refuse(lane, reply);
      return;
  }
}

void LoadWorker::again(LoadLane& lane, LoadKey key, bool asking) {
  key.sent = true;
  key.asking = asking;
  lane.waiting.push(key);
}

void LoadWorker::releaseDelayed() {
  while (!delayed_.empty() && delayed_.front().at <= now_) {
    std::ranges::pop_heap(delayed_, std::greater<>{});
    const LoadKey key = delayed_.back().key;
    delayed_.pop_back();
    again(laneOf(key.slot), key, false);
  }
}

}  // namespace redline
