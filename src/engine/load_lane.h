#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/lane_base.h"
#include "engine/link.h"
#include "transport/endpoint.h"

namespace redline {

/// A key that a load has taken and that is not known to be stored.
struct LoadKey {
  std::uint64_t id = 0;
  std::uint16_t slot = 0;      ///< in a cluster
  std::uint8_t redirects = 0;  ///< MOVED and ASK that it has followed
  std::uint8_t retries = 0;    ///< delays after TRYAGAIN and the like; 255 at most
  bool asking = false;         ///< ASKING goes before it
  bool wasSent = false;        ///< once before

  static constexpr bool isRead() { return false; }
};

/// Keys written as one unit on a connection, and the replies to them so far. In a cluster replies
/// come in the order of the keys; MSETs leave no such order.
struct LoadParcel {
  std::vector<LoadKey> keys;
  std::uint64_t repliesDue = 0;
  std::size_t answered = 0;     ///< in a cluster: keys that have their reply
  std::size_t stored = 0;       ///< in a cluster: of these, by its node
  bool askingAnswered = false;  ///< of the next key
  Nanos sentAt = 0;
};

class LoadLane;

/// One connection of the loader: several parcels under way.
struct LoadConnection : Link {
  LoadLane* lane = nullptr;      ///< that it belongs to
  std::vector<LoadParcel> ring;  ///< the oldest at `head`
  std::size_t head = 0, count = 0;

  bool hasRoom() const { return state == State::ready && count < ring.size(); }
  LoadParcel& oldest() { return ring[head]; }
  const LoadParcel& oldest() const { return ring[head]; }
  LoadParcel& add() { return ring[(head + count++) % ring.size()]; }
  void dropOldest() {
    head = head + 1 == ring.size() ? 0 : head + 1;
    --count;
  }
  /// Keys under way, answered ones of unfinished parcels included.
  template <typename Visit>
  void forEachKey(Visit&& visit) const {
    for (std::size_t i = 0; i < count; ++i)
      std::ranges::for_each(ring[(head + i) % ring.size()].keys, visit);
  }
};

/// How each of a loader's lanes is made.
struct LoadLaneSetup {
  std::size_t connections = 1;
  std::size_t inFlight = 1;                ///< parcels on one connection, at most
  const GreetingScript* script = nullptr;  ///< outlives the lanes
};

/// One destination of the loader: a node, the connections to it, and the keys that wait for room on
/// one (LaneBase::queue).
class LoadLane : public LaneBase<LoadKey> {
 public:
  using Connection = LoadConnection;
  using Setup = LoadLaneSetup;

  LoadLane(std::uint16_t number, Endpoint endpoint, const LoadLaneSetup& setup)
      : LaneBase(number, std::move(endpoint), setup.connections), connections_(setup.connections) {
    for (LoadConnection& c : connections_) {
      c.lane = this;
      c.script = setup.script;
      c.ring.resize(setup.inFlight);
    }
  }

  std::vector<LoadConnection>& connections() { return connections_; }
  const std::vector<LoadConnection>& connections() const { return connections_; }
  template <typename Visit>
  void forEachConnection(Visit&& visit) {
    for (LoadConnection& c : connections_) visit(c);
  }
  bool owesReplySince(Nanos since) const {
    return std::ranges::any_of(connections_, [since](const LoadConnection& c) {
      const bool busy = c.count != 0 && c.oldest().sentAt < since;
      return busy || (c.isComingUp() && c.openedAt < since);
    });
  }

 private:
  std::vector<LoadConnection> connections_;
};

}  // namespace redline
