#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "resp/value.h"
#include "transport/transport.h"

namespace redline {

/// Servers and the wire to them, on a ManualClock: each endpoint has one thread that answers
/// requests in their order of arrival, each after `serviceTime`, and not at all while it is frozen.
/// wait() moves the clock: to the next reply, or by the time-out, or by a microsecond where it
/// polls. For tests of what the engine makes of time; everything about Redis itself is tested with
/// a real one.
class SimTransport final : public Transport {
 public:
  explicit SimTransport(ManualClock& clock) : clock_(clock) {}

  Nanos serviceTime = 10 * kMicrosecond;
  /// The reply to a request, as bytes; by default every GET misses and every SET is stored.
  std::function<std::string(const Value& request)> answer = [](const Value& request) {
    return request.items.at(0).text == "GET" ? std::string("$-1\r\n") : std::string("+OK\r\n");
  };
  /// Where several nodes are told apart: takes the place of `answer`.
  std::function<std::string(const Endpoint&, ConnId, const Value& request)> answerOf;
  /// Sees every request with the time it was sent.
  std::function<void(Nanos, ConnId, const Value&)> onRequest = [](Nanos, ConnId, const Value&) {};

  /// The server says something on a connection that nobody asked for: a push.
  void push(ConnId id, Nanos at, std::string bytes) {
    queue_.push_back({at, id, TransportEvent::Kind::received, std::move(bytes)});
  }
  /// No request is worked on in [from, to).
  void freeze(Nanos from, Nanos to) { frozenFrom_ = from, frozenTo_ = to; }
  void freeze(std::uint16_t port, Nanos from, Nanos to) {
    freeze(from, to);
    frozenPort_ = port;
  }
  /// At `at`, every connection is cut; what is on the way is lost.
  void cutAllAt(Nanos at) { cutAt_ = at; }
  /// From `at` on, the node is dead: its connections are cut and new ones are refused.
  void killAt(std::uint16_t port, Nanos at) { killed_ = port, cutAt_ = at; }

  /// The first wait() at or after `at` takes so much longer: the worker's core was with others.
  void oversleepAt(Nanos at, Nanos by) { oversleepAt_ = at, oversleepBy_ = by; }

  Result<ConnId> open(const Endpoint& endpoint) override {
    const auto id = static_cast<ConnId>(peers_.size());
    peers_.push_back(std::make_unique<Peer>());
    peers_.back()->endpoint = endpoint;
    const bool refused = dead_ != 0 && endpoint.port == dead_;
    queue_.push_back({clock_.now(),
                      id,
                      refused ? TransportEvent::Kind::closed : TransportEvent::Kind::connected,
                      {}});
    return id;
  }
  void close(ConnId id) override {
    peers_[id]->closed = true;
    std::erase_if(queue_, [id](const Pending& p) { return p.conn == id; });
  }
  InBuffer& inbound(ConnId id) override { return peers_[id]->in; }
  OutBuffer& outbound(ConnId id) override { return peers_[id]->out; }

  void flush(ConnId id) override {
    Peer& peer = *peers_[id];
    if (!peer.out.view().ends_with("PING\r\n")) ++flushes;
    peer.parser.feed(peer.out.view());
    peer.out.clear();
    Value request;
    while (peer.parser.next(request).value()) {
      if (request.items.at(0).text == "PING") {
        greet(id, peer);
        continue;
      }
      onRequest(clock_.now(), id, request);
      Nanos& free = serverFree_[peer.endpoint.port];
      free = finishAfter(std::max(free, clock_.now()), peer.endpoint.port);
      queue_.push_back({free, id, TransportEvent::Kind::received,
                        answerOf ? answerOf(peer.endpoint, id, request) : answer(request)});
    }
  }

  std::span<const TransportEvent> wait(Nanos timeout) override {
    events_.clear();
    const Nanos limit = timeout < 0 ? std::numeric_limits<Nanos>::max() : clock_.now() + timeout;
    const Nanos next = std::min(
        {queue_.empty() ? limit : earliest(), limit, nextElsewhere ? nextElsewhere() : limit});
    clock_.set(timeout == 0 ? clock_.now() + kMicrosecond : std::max(next, clock_.now()));
    if (clock_.now() >= oversleepAt_) {
      clock_.set(clock_.now() + oversleepBy_);
      oversleepAt_ = std::numeric_limits<Nanos>::max();
    }
    if (clock_.now() >= cutAt_) cutAll();
    if (elsewhere) elsewhere();
    deliver();
    return events_;
  }
  std::string_view name() const override { return "simulated"; }
  Status watch(const Waker&) override { return {}; }

  /// Another thing that ends a wait(): when it happens next (the largest Nanos: not), and what is
  /// called when the clock has moved.
  std::function<Nanos()> nextElsewhere;
  std::function<void()> elsewhere;

  std::size_t flushes = 0;  ///< greetings that are a PING are not among them
  /// What the server says to a new connection's PING, and whether it closes the connection then.
  std::function<std::string(Nanos)> greeting = [](Nanos) { return "+PONG\r\n"; };
  std::function<bool(Nanos)> hangsUp = [](Nanos) { return false; };
  std::size_t greetings = 0;
  /// Sees the bytes that arrive, and may change them; false: the connection ends behind them.
  std::function<bool(ConnId, std::string& bytes)> onArrival = [](ConnId, std::string&) {
    return true;
  };

 private:
  struct Peer {
    Endpoint endpoint;
    InBuffer in;
    OutBuffer out;
    ValueParser parser;
    bool closed = false;
  };
  struct Pending {
    Nanos at;
    ConnId conn;
    TransportEvent::Kind kind;
    std::string bytes;
  };

  /// A PING takes no time, except while the server is frozen.
  void greet(ConnId id, const Peer& peer) {
    ++greetings;
    const Nanos at = finishAfter(clock_.now(), peer.endpoint.port) - serviceTime;
    queue_.push_back({at, id, TransportEvent::Kind::received, greeting(at)});
    if (hangsUp(at)) queue_.push_back({at, id, TransportEvent::Kind::closed, {}});
  }

  Nanos finishAfter(Nanos begin, std::uint16_t port) const {
    if (frozenPort_ != 0 && frozenPort_ != port) return begin + serviceTime;
    if (begin < frozenFrom_ && begin + serviceTime > frozenFrom_)
      return begin + serviceTime + (frozenTo_ - frozenFrom_);
    if (begin >= frozenFrom_ && begin < frozenTo_) return frozenTo_ + serviceTime;
    return begin + serviceTime;
  }
  Nanos earliest() const {
    Nanos at = std::numeric_limits<Nanos>::max();
    for (const Pending& p : queue_) at = std::min(at, p.at);
    return at;
  }
  void deliver() {
    std::deque<Pending> later;
    for (Pending& p : queue_) {
      if (p.at > clock_.now()) {
        later.push_back(std::move(p));
        continue;
      }
      const bool received = p.kind == TransportEvent::Kind::received;
      const bool stays = !received || onArrival(p.conn, p.bytes);
      const std::span<char> space = peers_[p.conn]->in.space(p.bytes.size());
      std::copy(p.bytes.begin(), p.bytes.end(), space.begin());
      peers_[p.conn]->in.commit(p.bytes.size());
      events_.push_back({p.conn, p.kind, 0});
      if (!stays) events_.push_back({p.conn, TransportEvent::Kind::closed, 0});
    }
    queue_ = std::move(later);
  }
  void cutAll() {
    cutAt_ = std::numeric_limits<Nanos>::max();
    dead_ = killed_;
    const auto isCut = [this](ConnId id) {
      return killed_ == 0 || peers_[id]->endpoint.port == killed_;
    };
    std::erase_if(queue_, [&](const Pending& p) { return isCut(p.conn); });
    serverFree_.clear();
    for (ConnId id = 0; id < peers_.size(); ++id)
      if (!peers_[id]->closed && isCut(id))
        queue_.push_back({clock_.now(), id, TransportEvent::Kind::closed, {}});
  }

  ManualClock& clock_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::deque<Pending> queue_;
  std::map<std::uint16_t, Nanos> serverFree_;  // by port: when it will have done all it was given
  std::uint16_t frozenPort_ = 0;               // 0: all
  std::uint16_t killed_ = 0, dead_ = 0;        // ports; 0: none
  Nanos frozenFrom_ = 0, frozenTo_ = 0;
  Nanos cutAt_ = std::numeric_limits<Nanos>::max();
  Nanos oversleepAt_ = std::numeric_limits<Nanos>::max(), oversleepBy_ = 0;
  std::vector<TransportEvent> events_;
};

}  // namespace redline
