#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/slot_map.h"
#include "support/sim_transport.h"

namespace redline {

/// Three masters behind a SimTransport, on ports 7001 … 7003, that redirect as the Redis Cluster
/// specification has it. The test changes who owns what while the worker runs.
class SimCluster {
 public:
  SimCluster(SimTransport& transport, ManualClock& clock) : clock_(clock) {
    transport.answerOf = [this](const Endpoint& node, ConnId conn, const Value& request) {
      return answer(node, conn, request);
    };
  }
  static constexpr std::uint16_t kPorts[] = {7001, 7002, 7003};

  /// Who owns which slot, in truth. Workers learn of a change by a MOVED, or by a map that the test
  /// publishes.
  SlotMap truth = evenMap();
  std::map<std::uint16_t, std::uint16_t> migrating;  ///< slot → the port its keys have moved to
  /// CLUSTERDOWN, or TRYAGAIN, before these points of the clock.
  Nanos downUntil = 0, tryAgainUntil = 0;

  /// How many GETs and SETs each node has carried out, by port, and of them behind an ASKING.
  std::map<std::uint16_t, std::uint64_t> served, asked;
  /// Slots that each transaction which was carried out has touched.
  std::vector<std::set<std::uint16_t>> transactions;

 private:
  /// A third of the slots each. Made once: it takes longer than many a run.
  static const SlotMap& evenMap() {
    static const SlotMap map = [] {
      SlotMap even;
      for (std::uint16_t slot = 0; slot < kSlots; ++slot)
        even.moved(slot, "127.0.0.1", kPorts[std::size_t{slot} * 3 / kSlots]);
      return even;
    }();
    return map;
  }

  struct Session {
    bool asking = false, multi = false, refused = false;
    std::vector<Value> queued;
  };

  std::string answer(const Endpoint& node, ConnId conn, const Value& request) {
    Session& session = sessions_[conn];
    const std::string& name = request.items.at(0).text;
    if (name == "ASKING") {
      session.asking = true;
      return "+OK\r\n";
    }
    if (name == "MULTI") {
      session.multi = true;
      return "+OK\r\n";
    }
    if (name == "EXEC") return exec(node, std::exchange(session, {}));
    const std::string refusal = refusalOf(node, session, request);
    if (session.multi) {
      session.refused |= !refusal.empty();
      session.queued.push_back(request);
      return refusal.empty() ? "+QUEUED\r\n" : refusal;
    }
    const bool asking = std::exchange(session.asking, false);
    return refusal.empty() ? carryOut(node, request, asking) : refusal;
  }

  std::string exec(const Endpoint& node, const Session& session) {
    if (session.refused) return "-EXECABORT Transaction discarded because of previous errors.\r\n";
    std::string replies = "*" + std::to_string(session.queued.size()) + "\r\n";
    std::set<std::uint16_t> slots;
    for (const Value& request : session.queued) {
      if (const auto refusal = refusalOf(node, session, request); !refusal.empty()) return refusal;
      replies += carryOut(node, request, session.asking);
      slots.insert(hashSlot(request.items.at(1).text));
    }
    transactions.push_back(slots);
    return replies;
  }

  std::string refusalOf(const Endpoint& node, const Session& session, const Value& request) const {
    const std::uint16_t slot = hashSlot(request.items.at(1).text);
    if (clock_.now() < downUntil) return "-CLUSTERDOWN The cluster is down\r\n";
    if (clock_.now() < tryAgainUntil) return "-TRYAGAIN Multiple keys request during rehashing\r\n";
    const auto moving = migrating.find(slot);
    if (moving != migrating.end() && moving->second == node.port && session.asking) return {};
    const std::uint16_t owner = truth.nodes()[truth.ownerOf(slot)].address.port;
    if (owner != node.port) return redirect("MOVED", slot, owner);
    return moving == migrating.end() ? "" : redirect("ASK", slot, moving->second);
  }

  static std::string redirect(const std::string& kind, std::uint16_t slot, std::uint16_t port) {
    return "-" + kind + " " + std::to_string(slot) + " 127.0.0.1:" + std::to_string(port) + "\r\n";
  }

  std::string carryOut(const Endpoint& node, const Value& request, bool asking) {
    ++served[node.port];
    if (asking) ++asked[node.port];
    return request.items.at(0).text == "GET" ? "$-1\r\n" : "+OK\r\n";
  }

  ManualClock& clock_;
  std::map<ConnId, Session> sessions_;
};

}  // namespace redline
