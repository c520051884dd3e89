#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "cluster/hash_slot.h"
#include "resp/value.h"
#include "transport/transport.h"
#include "workload/keyspace.h"
#include "workload/values.h"

namespace redline {

/// Servers, a wire and a clock that do what a seed says: right and wrong replies after any time and
/// in any pieces, redirects, refusals, lost connections, silence, and bytes that are not RESP. The
/// shape of the conversation is Redis's: each command has one reply, except where it is lost.
class RandomServers final : public Transport {
 public:
  struct Chances {                                               ///< one in so many; 0: never
    unsigned error = 0, redirect = 0, corrupt = 0, garbage = 0;  // of replies
    unsigned close = 0, silence = 0;                             // of waits; of commands
    unsigned full = 0;                                           // of connections
  };

  RandomServers(std::uint64_t seed, ManualClock& clock, const Values& values, Chances chances)
      : rng_(seed, 1), clock_(clock), values_(values), chances_(chances) {}

  Nanos longestService = 200 * kMicrosecond;
  Nanos longestWait = 100 * kMicrosecond;
  bool inCluster = false;
  std::function<void()> elsewhere;  ///< called when the clock has moved

  /// By version: how often a SET of it was answered with +OK, and when it was first sent.
  std::map<std::uint64_t, unsigned> stored;
  std::map<std::uint64_t, Nanos> firstSent;
  std::set<std::string> keys;  ///< that are stored

  Result<ConnId> open(const Endpoint&) override {
    const auto id = static_cast<ConnId>(peers_.size());
    peers_.push_back(std::make_unique<Peer>());
    opened_.push_back(id);
    return id;
  }
  void close(ConnId id) override { peers_[id]->isOpen = false; }
  InBuffer& inbound(ConnId id) override { return peers_[id]->in; }
  OutBuffer& outbound(ConnId id) override { return peers_[id]->out; }
  void flush(ConnId id) override {
    Peer& peer = *peers_[id];
    peer.parser.feed(peer.out.view());
    peer.out.clear();
    while (peer.parser.next(request_).value()) {
      if (clock_.now() > kCalm && oneIn(chances_.silence)) peer.silent = true;
      if (peer.silent) continue;  // until it is closed
      peer.repliesAt = std::max(peer.repliesAt, clock_.now()) + below(longestService);
      peer.replies.push_back({peer.repliesAt, replyTo(peer)});
    }
  }

  std::span<const TransportEvent> wait(Nanos timeout) override {
    events_.clear();
    const Nanos longest = std::clamp<Nanos>(timeout, kMicrosecond, longestWait);
    clock_.advance(oneIn(200) ? below(3 * kMillisecond) : 1 + below(longest));
    if (elsewhere) elsewhere();
    for (const ConnId id : std::exchange(opened_, {}))
      if (peers_[id]->isOpen) events_.push_back({id, kindOfOpening(id)});
    for (ConnId id = 0; id < peers_.size(); ++id)
      if (peers_[id]->isOpen && peers_[id]->isUp) deliver(id);
    return events_;
  }
  std::string_view name() const override { return "random"; }
  Status watch(const Waker&) override { return {}; }

  bool oneIn(unsigned chances) { return chances != 0 && rng_.below(chances) == 0; }

 private:
  struct Reply {
    Nanos at;
    std::string bytes;
  };
  struct Peer {
    InBuffer in;
    OutBuffer out;
    ValueParser parser;
    std::deque<Reply> replies;
    Nanos repliesAt = 0;
    bool isOpen = true, isUp = false, silent = false;
    bool inTransaction = false, refused = false;
    std::vector<std::string> queued;  // replies for EXEC
  };

  Nanos below(Nanos limit) {
    return static_cast<Nanos>(rng_.below(static_cast<std::uint64_t>(limit)));
  }

  TransportEvent::Kind kindOfOpening(ConnId id) {
    if (clock_.now() > kCalm && oneIn(chances_.close)) {
      peers_[id]->isOpen = false;
      return TransportEvent::Kind::closed;
    }
    peers_[id]->isUp = true;
    return TransportEvent::Kind::connected;
  }

  /// Whole replies, or all but their last bytes.
  void deliver(ConnId id) {
    Peer& peer = *peers_[id];
    std::size_t bytes = 0;
    while (!peer.replies.empty() && peer.replies.front().at <= clock_.now()) {
      std::string& reply = peer.replies.front().bytes;
      const std::size_t part = oneIn(8) ? rng_.below(reply.size()) : reply.size();
      const std::span<char> space = peer.in.space(part);
      std::copy_n(reply.begin(), part, space.begin());
      peer.in.commit(part);
      bytes += part;
      reply.erase(0, part);
      if (!reply.empty()) break;
      peer.replies.pop_front();
    }
    if (bytes != 0) events_.push_back({id, TransportEvent::Kind::received});
    if (clock_.now() > kCalm && oneIn(chances_.close)) {
      peer.isOpen = false;
      events_.push_back({id, TransportEvent::Kind::closed, oneIn(2) ? 0 : ECONNRESET});
    }
  }

  std::string replyTo(Peer& peer) {
    const std::string& name = request_.items.at(0).text;
    if (name == "PING" && clock_.now() > kCalm && oneIn(chances_.full))
      return "-ERR max number of clients reached\r\n";
    if (name == "MULTI") {
      peer.inTransaction = true;
      peer.refused = false;
      peer.queued.clear();
      return "+OK\r\n";
    }
    if (name == "EXEC") return exec(peer);
    if (name == "WAIT") return oneIn(chances_.error) ? "-UNBLOCKED\r\n" : ":1\r\n";
    if (name == "PTTL")
      return oneIn(2) ? std::string(":-1\r\n") : ":" + std::to_string(rng_.below(3)) + "\r\n";
    if (name == "DEL" || name == "EVAL") {
      std::string refusal = refusalOf();
      return refusal.empty() ? ":" + std::to_string(rng_.below(2)) + "\r\n" : refusal;
    }
    if (name == "SET" && request_.items.size() == 6) {  // NX PX: a lock
      std::string refusal = refusalOf();
      if (!refusal.empty()) return refusal;
      return oneIn(2) ? "$-1\r\n" : "+OK\r\n";
    }
    if (name == "MSET")
      for (std::size_t i = 1; i < request_.items.size(); i += 2)
        keys.insert(request_.items[i].text);
    if (name != "GET" && name != "SET") return "+OK\r\n";
    if (oneIn(chances_.garbage)) return "this is not RESP\r\n";
    const bool isSet = name == "SET";
    if (isSet) noteSet();
    std::string refusal = refusalOf();
    if (peer.inTransaction) {
      peer.refused |= !refusal.empty();
      peer.queued.push_back(isSet ? carryOutSet() : valueOf());
      return refusal.empty() ? "+QUEUED\r\n" : refusal;
    }
    if (!refusal.empty()) return refusal;
    return isSet ? carryOutSet() : valueOf();
  }

  std::string exec(Peer& peer) {
    peer.inTransaction = false;
    if (peer.refused) return "-EXECABORT Transaction discarded\r\n";
    if (oneIn(chances_.error)) return oneIn(2) ? "-ERR no\r\n" : "*-1\r\n";
    std::string all = "*" + std::to_string(peer.queued.size()) + "\r\n";
    for (const std::string& reply : peer.queued) all += reply;
    return all;
  }

  std::string refusalOf() {
    static constexpr const char* kErrors[] = {"-ERR no\r\n",   "-OOM command not allowed\r\n",
                                              "-LOADING\r\n",  "-CLUSTERDOWN down\r\n",
                                              "-TRYAGAIN\r\n", "-READONLY\r\n",
                                              "-BUSY\r\n",     "-MASTERDOWN\r\n"};
    if (oneIn(chances_.error)) return kErrors[rng_.below(std::size(kErrors))];
    if (!inCluster || !oneIn(chances_.redirect)) return {};
    const std::uint16_t slot = hashSlot(request_.items.at(1).text);
    return std::string(oneIn(2) ? "-MOVED " : "-ASK ") + std::to_string(slot) +
           " 127.0.0.1:" + std::to_string(7001 + rng_.below(4)) + "\r\n";
  }

  std::uint64_t versionIn(const std::string& value) const {
    std::uint64_t version = 0;
    const auto id = parseKey(request_.items.at(1).text);
    if (!id || values_.check(value, *id, &version, VerifyLevel::header) != Values::Verdict::ok)
      return 0;
    return version;
  }
  void noteSet() { firstSent.try_emplace(versionIn(request_.items.at(2).text), clock_.now()); }
  std::string carryOutSet() {
    ++stored[versionIn(request_.items.at(2).text)];
    keys.insert(request_.items.at(1).text);
    return "+OK\r\n";
  }
  std::string valueOf() {
    const auto id = parseKey(request_.items.at(1).text);
    if (!id || oneIn(3)) return "$-1\r\n";
    std::string value(values_.size(), '\0');
    values_.write(value.data(), *id, 0);
    if (oneIn(chances_.corrupt)) value.back() ^= 1;
    return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }

  static constexpr Nanos kCalm = 2 * kSecond;  // before it, no connection is lost and all answer

  Rng rng_;
  ManualClock& clock_;
  const Values& values_;
  Chances chances_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<ConnId> opened_;
  std::vector<TransportEvent> events_;
  Value request_;
};

}  // namespace redline
