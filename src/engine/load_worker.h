#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/id_blocks.h"
#include "engine/load_plan.h"
#include "resp/scanner.h"
#include "transport/transport.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {

/// What all workers of a load share.
struct LoadShared {
  const LoadPlan& plan;
  Values values;
  Ttls ttls;
  IdBlocks blocks;
  std::atomic<std::uint64_t> done{0};  ///< keys whose batch has been acknowledged as a whole
  std::atomic<bool> stop{false};       ///< hand out no more; looked at once a pass

  explicit LoadShared(const LoadPlan& loadPlan);
};

/// What one worker did.
struct LoadCounters {
  std::uint64_t keysSent = 0, batches = 0, commands = 0, bytesSent = 0;
  std::uint64_t reconnects = 0, resentKeys = 0;
  std::uint64_t passes = 0, idlePasses = 0;
};

/// Writes blocks of ids over its own connections, each of which has several on the way. All of its
/// time comes from `clock` and all of its bytes go through `transport`.
class LoadWorker {
 public:
  LoadWorker(LoadShared& shared, unsigned index, Transport& transport, const Clock& clock);

  /// Until every block is written, the load is stopped, or something is in the way: an error reply,
  /// or a server that stays away.
  Status run();

  /// Valid after run(): of the ids that this worker took, all below are written for certain. The
  /// number of keys when none is left over.
  std::uint64_t lowestUnfinished() const;
  const LoadCounters& counters() const { return counters_; }

 private:
  /// A block on its way, and how many replies are still to come for it.
  struct Sent {
    IdBlock block;
    std::uint64_t repliesDue = 0;
  };
  struct Connection {
    enum class State : std::uint8_t { down, connecting, handshaking, open };
    ConnId id = 0;
    State state = State::down;
    ReplyScanner scanner;
    std::vector<Sent> ring;  ///< plan.inFlight places, the oldest at `head`
    std::size_t head = 0, count = 0;
    unsigned losses = 0;  ///< since the last block that it brought home
    Nanos reopenAt = 0;
    bool hasRoom() const { return state == State::open && count < ring.size(); }
  };

  void open(Connection& c);
  void reopenDue();
  void handle(const TransportEvent& event);
  void onConnected(Connection& c);
  void onReceived(Connection& c);
  void onReply(Connection& c, const ReplyView& reply);
  void onLost(Connection& c, int error);
  void giveUp(ErrorCode code, std::string message);

  void fill();
  void send(Connection& c, IdBlock block);
  IdBlock nextBlock();
  std::uint64_t encode(OutBuffer& out, IdBlock block);
  char* encodeSet(char* at, std::uint64_t id, std::int64_t ttlMillis) const;
  char* encodeMset(char* at, const std::uint64_t* ids, std::size_t count) const;

  Nanos waitSpan() const;
  bool finished();

  LoadShared& shared_;
  const LoadPlan& plan_;
  Transport& transport_;
  const Clock& clock_;

  std::vector<Connection> connections_;
  std::vector<std::size_t> byId_;       // ConnId → index in connections_
  std::vector<IdBlock> again_;          // taken, sent on a connection that was lost
  std::vector<std::uint64_t> lasting_;  // scratch: a block's ids without a time to live
  std::size_t pairs_;                   // of one MSET
  std::size_t inFlight_ = 0;            // blocks
  std::size_t down_ = 0;
  bool moreToSend_ = true;  // a connection had room and there was a block for it
  Nanos now_ = 0;
  Nanos stopBy_ = 0;  // 0: not stopping
  Status status_;
  LoadCounters counters_;
};

/// What to do about an error reply ("OOM command not allowed …") before going on with a load.
std::string_view loadAdvice(std::string_view errorText) noexcept;

}  // namespace redline
