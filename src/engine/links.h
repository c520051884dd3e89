#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/cluster_lanes.h"
#include "engine/link.h"
#include "transport/transport.h"

namespace redline {

/// The longest sleep of a client's loop: how soon it sees a request to stop.
inline constexpr Nanos kLongestSleep = 10 * kMillisecond;

/// The connections of a client's lanes: opens them, sends greetings, splits received bytes into
/// replies, and reopens lost connections. Driver and loader share it. The client interprets
/// replies. It has
///     void onReady(Connection&);                      it may carry requests
///     bool onReply(Connection&, const ReplyView&);    false: read no further on it
///     void onLost(Connection&, bool wasReady, int error);    error: as in lossText()
/// Failures that end the client go to ClusterLanes::fail().
template <typename LaneT>
class Links {
 public:
  using Connection = typename LaneT::Connection;

  struct Counts {
    std::uint64_t reconnects = 0;
    std::uint64_t refusedConnections = 0;  ///< by a server that has reached its maxclients
    std::uint64_t bytesReceived = 0;
  };

  /// `longestReply`: bytes; a connection whose server sends a longer one is lost.
  Links(Transport& transport, ClusterLanes<LaneT>& lanes, Backoff backoff, std::size_t longestReply)
      : transport_(transport), lanes_(lanes), backoff_(backoff), longestReply_(longestReply) {}

  Connection& of(ConnId id) const { return *byId_[id]; }
  /// Counts since the last call.
  Counts takeCounts() { return std::exchange(counts_, {}); }

  /// Opens the connections that are down and due to be opened, of all lanes that are in use.
  void openDue(Nanos now) {
    if (lanesUp_ != lanes_.all().size()) openLanes(now);
  }

  template <typename Client>
  void handle(const TransportEvent& event, Nanos now, Client& client) {
    Connection& c = *byId_[event.conn];
    if (c.state == Link::State::down) return;  // it was lost earlier in this pass
    switch (event.kind) {
      case TransportEvent::Kind::received:
        receive(c, now, client);
        break;
      case TransportEvent::Kind::connected:
        greet(c);
        break;
      case TransportEvent::Kind::closed:
        lose(c, event.error, now, client);
        break;
    }
  }

  /// Closes the connection; the client gives back what was on it. What waits for a node of a
  /// cluster that has gone moves to where its slots are by now.
  template <typename Client>
  void lose(Connection& c, int error, Nanos now, Client& client) {
    const bool wasReady = c.state == Link::State::ready;
    transport_.close(c.id);
    c.state = Link::State::down;
    c.lane->onDown(c);
    lanesUp_ = 0;
    if (isProved(c, now)) c.losses = 0;
    c.lossError = error;
    c.reopenAt = now + backoff_.after(++c.losses);
    client.onLost(c, wasReady, error);
    if (!lanes_.inCluster()) return;
    lanes_.requestRefresh();
    if (c.lane->isGone()) lanes_.reroute(*c.lane);
  }

 private:
  void openLanes(Nanos now) {
    lanesUp_ = 0;
    for (const auto& lane : lanes_.all()) {
      if (!lane->allOpened() && lanes_.isWanted(*lane)) openLane(*lane, now);
      lanesUp_ += lane->allOpened() ? 1U : 0U;
    }
  }

  void openLane(LaneT& lane, Nanos now) {
    lane.forEachConnection([this, now](Connection& c) {
      if (lanes_.status() && c.state == Link::State::down && c.reopenAt <= now) open(c, now);
    });
  }

  void open(Connection& c, Nanos now) {
    const auto id = transport_.open(c.lane->endpoint());
    if (!id) {
      lanes_.fail(id.error());
      return;
    }
    c.id = *id;
    c.out = &transport_.outbound(c.id);
    c.state = Link::State::connecting;
    c.lane->onOpened(c);
    if (std::exchange(c.wasOpened, true)) ++counts_.reconnects;
    c.greeted = 0;
    c.proved = false;
    c.openedAt = now;
    c.scanner.reset();
    if (byId_.size() <= c.id) byId_.resize(c.id + 1);
    byId_[c.id] = &c;
  }

  /// A connection that carries no operations has no replies to prove it: it has lasted.
  bool isProved(const Connection& c, Nanos now) const {
    return c.proved || (!c.carriesOperations && now - c.openedAt > backoff_.longest);
  }

  void greet(Connection& c) {
    c.out->append(c.script->bytes());
    transport_.flush(c.id);
    c.state = Link::State::greeting;
  }

  template <typename Client>
  void receive(Connection& c, Nanos now, Client& client) {
    c.lane->lastReceivedAt = now;
    InBuffer& in = transport_.inbound(c.id);
    const std::string_view bytes = in.readable();
    std::size_t used = 0;
    ReplyView reply;
    while (used < bytes.size()) {
      const auto found = c.scanner.next(bytes.substr(used), reply);
      if (found == ReplyScanner::Status::needMore) break;
      if (found == ReplyScanner::Status::malformed) {
        lose(c, kNotResp, now, client);
        return;
      }
      used += reply.size;
      const bool isGreeting = c.state == Link::State::greeting && reply.type != ReplyType::push;
      if (isGreeting ? !onGreeting(c, reply, now, client) : !client.onReply(c, reply)) return;
    }
    in.consume(used);
    counts_.bytesReceived += used;
    if (bytes.size() - used > longestReply_) lose(c, kReplyTooLong, now, client);
  }

  template <typename Client>
  bool onGreeting(Connection& c, const ReplyView& reply, Nanos now, Client& client) {
    if (saysTooManyClients(reply)) {
      ++counts_.refusedConnections;
      lose(c, kTooManyClients, now, client);
      return false;
    }
    if (auto good = c.script->judge(c.greeted++, reply, c.lane->endpoint().text()); !good) {
      lanes_.fail(good.error());
      return false;
    }
    if (c.greeted != c.script->replies()) return true;
    c.state = Link::State::ready;
    client.onReady(c);
    return true;
  }

  Transport& transport_;
  ClusterLanes<LaneT>& lanes_;
  Backoff backoff_;
  const std::size_t longestReply_;
  std::vector<Connection*> byId_;
  std::size_t lanesUp_ = 0;  // lanes without a connection that is down, as openDue() left them
  Counts counts_;
};

}  // namespace redline
